/** Makes the shape of the English catalogue the type of every other: strings stay strings, functions keep their parameters. */
export type Words<T> = {
  [K in keyof T]: T[K] extends string
    ? string
    : T[K] extends (...args: infer A) => string
      ? (...args: A) => string
      : T[K] extends object
        ? Words<T[K]>
        : never
}
