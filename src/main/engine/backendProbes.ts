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

/** Devices and memory per backend; a failure is a row, never a throw. */
export class BackendProbes {
  #rows: BackendProbe[] | null = null
  #at = 0
  #pending: Promise<BackendProbe[]> | null = null

  constructor(
    private readonly fork: ForkEngine,
    private readonly platform: NodeJS.Platform = process.platform,
    /** Free memory of a GPU changes; without a GPU there is nothing to ask again. */
    private readonly staleMs = 60_000,
  ) {}

  probe(): Promise<BackendProbe[]> {
    const hasDevices = this.#rows?.some((row) => 'devices' in row && row.devices.length > 0) === true
    if (this.#rows !== null && (!hasDevices || Date.now() - this.#at < this.staleMs)) return Promise.resolve(this.#rows)
    this.#pending ??= this.#ask().finally(() => {
      this.#pending = null
    })
    return this.#pending
  }

  async check(backend: Backend, directory: string): Promise<EngineCalls['engineCheck']['reply']> {
    try {
      return await inOwnProcess(this.fork, 'engineCheck', { backend, directory }, 60_000)
    } catch (error) {
      return { ok: false, detail: toErrorValue(error).message, tokensPerSecond: 0 }
    }
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
    this.#rows = rows
    this.#at = Date.now()
    return rows
  }
}
