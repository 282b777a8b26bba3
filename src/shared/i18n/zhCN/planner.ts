export const planner = {}
