import type { EngineStatus } from '@shared/domain/library'
import { movedBytes } from '@shared/domain/spilling'
import type { Bytes } from '@shared/domain/units'

export interface SpillWatchOptions {
  host: { status(): EngineStatus; onStatus(listener: () => void): () => void }
  /** RAM that graphics cards use now; null where the system does not say. */
  read: () => Promise<Bytes | null>
  /** Whether the cards have memory of their own: that of an APU is RAM, and a model in it is where it belongs. */
  ownMemory: () => Promise<boolean>
}

/** A driver that runs out of a card's memory puts the rest into RAM and says nothing: what the cards use of RAM grows. */
export class SpillWatch {
  readonly #options: SpillWatchOptions
  readonly #stop: () => void
  #state: EngineStatus['state']
  #before: Promise<Bytes | null> = Promise.resolve(null)

  constructor(options: SpillWatchOptions) {
    this.#options = options
    this.#state = options.host.status().state
    this.#stop = options.host.onStatus(() => {
      const { state } = options.host.status()
      // What was loaded before has ended by then, and nothing of the next one is there yet.
      if (state === 'loading' && this.#state !== 'loading') this.#before = options.read().catch(() => null)
      this.#state = state
    })
  }

  /** Bytes of the loaded model that were moved into RAM; 0 where none were, null where nobody can say. */
  async moved(): Promise<Bytes | null> {
    const status = this.#options.host.status()
    if (status.state !== 'ready' || status.backend === 'cpu' || status.gpuLayers === 0) return null
    const [before, now, own] = await Promise.all([this.#before, this.#options.read(), this.#options.ownMemory()])
    return before === null || now === null || !own ? null : movedBytes(before, now, status.parts)
  }

  dispose(): void {
    this.#stop()
  }
}
