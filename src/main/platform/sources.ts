import type { SnugError } from '@shared/errors'

/** The endpoints of one download: one at a time, the next when it fails. */
export class Sources {
  readonly #all: string[]
  #refusal: SnugError | null = null

  constructor(endpoint: string, mirrors: readonly string[]) {
    this.#all = [...new Set([endpoint, ...mirrors].map((address) => address.replace(/\/+$/, '')))]
  }

  get current(): string {
    return this.#all[0] ?? ''
  }

  get count(): number {
    return this.#all.length
  }

  /** False when there is no other. */
  turn(): boolean {
    const first = this.#all.shift()
    if (first !== undefined) this.#all.push(first)
    return this.#all.length > 1
  }

  /** It will not give the file: not asked again. Gives the first refusal when no other is left. */
  drop(refusal: SnugError): SnugError | null {
    this.#refusal ??= refusal
    if (this.#all.length <= 1) return this.#refusal
    this.#all.shift()
    return null
  }
}
