import type { Backend, BackendProbe } from '@shared/domain/hardware'
import type { EngineCalls, ForkEngine } from '@shared/engine/protocol'
import { toErrorValue } from '@shared/errors'
import { createEngineClient } from '../../engine/client'

/** A backend's driver may hang or abort, so each is asked in a process of its own, which is then ended. */
async function inOwnProcess<C extends 'probe' | 'engineCheck'>(
  fork: ForkEngine,
  call: C,
  args: EngineCalls[C]['args'],
  timeoutMs: number,
): Promise<EngineCalls[C]['reply']> {
  const client = createEngineClient(fork('tools'))
  try {
    return await client.call(call, args, { timeoutMs })
  } finally {
    await client.process.kill()
  }
}

export function possibleBackends(platform: NodeJS.Platform): Backend[] {
  return platform === 'darwin' ? ['metal', 'cpu'] : ['cuda', 'vulkan', 'cpu']
}

export interface ProbeWishes {
  /** Every backend is asked again, those without a device and those that failed too: a driver may have been repaired. */
  fresh?: boolean
  /** Figures of memory from before this moment (milliseconds) say nothing: a model came or went since. */
  since?: number
}

interface Asked {
  rows: Promise<BackendProbe[]>
  at: number
}

/** Devices and memory per backend; a failure is a row, never a throw. */
export class BackendProbes {
  #known: { rows: BackendProbe[]; at: number } | null = null
  #pending: Asked | null = null

  constructor(
    private readonly fork: ForkEngine,
    private readonly platform: NodeJS.Platform = process.platform,
    /** Free memory of a GPU changes; without a GPU there is nothing to ask again. */
    private readonly staleMs = 60_000,
  ) {}

  probe({ fresh = false, since = 0 }: ProbeWishes = {}): Promise<BackendProbe[]> {
    if (!fresh && this.#known !== null && !this.#stale(this.#known, since)) return Promise.resolve(this.#known.rows)
    if (this.#pending === null || this.#pending.at < since) this.#pending = this.#begin(this.#pending)
    return this.#pending.rows
  }

  async check(backend: Backend, directory: string): Promise<EngineCalls['engineCheck']['reply']> {
    try {
      return await inOwnProcess(this.fork, 'engineCheck', { backend, directory }, 60_000)
    } catch (error) {
      return { ok: false, detail: toErrorValue(error).message, tokensPerSecond: 0 }
    }
  }

  #stale({ rows, at }: { rows: BackendProbe[]; at: number }, since: number): boolean {
    const hasDevices = rows.some((row) => 'devices' in row && row.devices.length > 0)
    return hasDevices && (at < since || Date.now() - at >= this.staleMs)
  }

  /** After one that runs already: never two at once. */
  #begin(before: Asked | null): Asked {
    const asked: Asked = { at: Date.now(), rows: this.#after(before) }
    void asked.rows.then((rows) => {
      this.#known = { rows, at: asked.at }
      if (this.#pending === asked) this.#pending = null
    })
    return asked
  }

  async #after(before: Asked | null): Promise<BackendProbe[]> {
    await before?.rows
    return await this.#ask()
  }

  async #ask(): Promise<BackendProbe[]> {
    const rows: BackendProbe[] = []
    // One after the other: two drivers starting at once tell less when one of them fails.
    for (const backend of possibleBackends(this.platform)) {
      try {
        rows.push(await inOwnProcess(this.fork, 'probe', { backend }, 20_000))
      } catch (error) {
        const { code, message } = toErrorValue(error)
        rows.push({ backend, state: code === 'engine/crashed' || code === 'engine/stalled' ? 'crashed' : 'not-installed', detail: message })
      }
    }
    return rows
  }
}
