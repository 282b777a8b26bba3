/** Speed over the last 10 s; none is told in the first 3 s. */
const windowMs = 10_000
const silentMs = 3_000

export class SpeedMeter {
  readonly #samples: { at: number; bytes: number }[] = []

  add(bytes: number, at: number): void {
    const last = this.#samples.at(-1)
    // A file that began anew has fewer bytes: that is no speed.
    if (last !== undefined && bytes < last.bytes) this.#samples.length = 0
    this.#samples.push({ at, bytes })
    while (this.#samples.length > 2 && (this.#samples[1]?.at ?? at) <= at - windowMs) this.#samples.shift()
  }

  /** Falls while nothing arrives. */
  bytesPerSecond(now: number): number | null {
    const first = this.#samples[0]
    const last = this.#samples.at(-1)
    if (first === undefined || last === undefined || now - first.at < silentMs) return null
    return ((last.bytes - first.bytes) / (now - first.at)) * 1_000
  }
}

export function secondsLeft(missingBytes: number, bytesPerSecond: number | null): number | null {
  if (bytesPerSecond === null || bytesPerSecond <= 0) return null
  return missingBytes / bytesPerSecond
}
