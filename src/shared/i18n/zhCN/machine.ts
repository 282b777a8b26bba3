export const machine = {}
