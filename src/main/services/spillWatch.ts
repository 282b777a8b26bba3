import type { HardwareReport } from '@shared/domain/hardware'
import type { EngineStatus } from '@shared/domain/library'
import { bestBackend, usableGpus } from '@shared/domain/pools'
import { movedBytes } from '@shared/domain/spilling'
import type { Bytes } from '@shared/domain/units'

export interface SpillWatchOptions {
  host: {
    status(): EngineStatus
    onStatus(listener: () => void): () => void
    readonly loaded: { pid: number | undefined } | null
  }
  /** RAM that graphics cards use now, of the model's process where the system tells them apart; null where it does not say. */
  read: (pid: number | undefined) => Promise<Bytes | null>
  hardware: { report(): Promise<HardwareReport> }
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
      if (state === 'loading' && this.#state !== 'loading') this.#before = options.read(undefined).catch(() => null)
      this.#state = state
    })
  }

  /** Bytes of the loaded model that were moved into RAM; 0 where none were, null where nobody can say. */
  async moved(): Promise<Bytes | null> {
    const status = this.#options.host.status()
    if (status.state !== 'ready' || status.backend === 'cpu' || status.gpuLayers === 0) return null
    const { host, read } = this.#options
    if (!(await this.#ownMemory())) return null
    const [before, now] = await Promise.all([this.#before, read(host.loaded?.pid)])
    return before === null || now === null ? null : movedBytes(before, now, status.parts)
  }

  /** The memory of an APU is RAM, and a model in it is where it belongs. */
  async #ownMemory(): Promise<boolean> {
    const report = await this.#options.hardware.report()
    return usableGpus(report, bestBackend(report)).every((gpu) => !gpu.sharedWithRam)
  }

  dispose(): void {
    this.#stop()
  }
}
