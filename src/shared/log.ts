/** What every part logs through; main and the command line each hand in their own. Texts are English, data is for machines. */
export interface Log {
  debug(text: string, data?: unknown): void
  info(text: string, data?: unknown): void
  warn(text: string, data?: unknown): void
  error(text: string, data?: unknown): void
  /** A log whose lines carry this name, e.g. `engine`. */
  child(name: string): Log
}

export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
}
