import type { CallName, EngineCalls, EngineEvent, EngineProcess, FromEngine, ToEngine } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'

export interface CallOptions {
  /** Abort sends `cancel`: the call then answers with what it has (generate) or rejects with `cancelled`. */
  signal?: AbortSignal
  onEvent?: (event: EngineEvent) => void
  /** No reply after this long: rejects with `engine/stalled`. The process is not ended; that is the caller's choice. */
  timeoutMs?: number
}

export interface EngineClient {
  readonly process: EngineProcess
  call<C extends CallName>(name: C, args: EngineCalls[C]['args'], options?: CallOptions): Promise<EngineCalls[C]['reply']>
  /** Resolves when the worker said it is ready; rejects when it ends before. */
  ready(): Promise<void>
  onLog(listener: (level: 'debug' | 'info' | 'warn' | 'error', text: string) => void): () => void
  /** Why the port closed, or null while it is open. */
  readonly closed: string | null
  onClose(listener: (reason: string) => void): () => void
}

interface OpenCall {
  name: CallName
  onEvent: ((event: EngineEvent) => void) | undefined
  resolve(value: unknown): void
  reject(error: SnugError): void
}

/** The other end of a worker: calls answered by seq; a closed port rejects every open call with `engine/crashed`. */
export function createEngineClient(process: EngineProcess): EngineClient {
  const open = new Map<number, OpenCall>()
  const logListeners = new Set<(level: 'debug' | 'info' | 'warn' | 'error', text: string) => void>()
  const closeListeners = new Set<(reason: string) => void>()
  const readyWaiters: { resolve(): void; reject(error: SnugError): void }[] = []
  let isReady = false
  let closed: string | null = null
  let nextSeq = 1

  const crashed = (reason: string, name?: CallName) =>
    new SnugError('engine/crashed', `the engine process ended (${reason})`, { reason, ...(name ? { call: name } : {}) })

  const receive = (message: FromEngine) => {
    switch (message.type) {
      case 'ready':
        isReady = true
        for (const waiter of readyWaiters.splice(0)) waiter.resolve()
        return
      case 'log':
        for (const listener of logListeners) listener(message.level, message.text)
        return
      case 'event':
        open.get(message.seq)?.onEvent?.(message.event)
        return
      case 'reply': {
        const call = open.get(message.seq)
        open.delete(message.seq)
        if (message.ok) call?.resolve(message.value)
        else call?.reject(SnugError.from(message.error))
      }
    }
  }

  process.port.onMessage(receive)
  process.port.onClose((reason) => {
    closed = reason
    const calls = [...open.values()]
    open.clear()
    for (const call of calls) call.reject(crashed(reason, call.name))
    for (const waiter of readyWaiters.splice(0)) waiter.reject(crashed(reason))
    for (const listener of closeListeners) listener(reason)
  })

  const call = <C extends CallName>(name: C, args: EngineCalls[C]['args'], options: CallOptions = {}) =>
    new Promise<EngineCalls[C]['reply']>((resolve, reject) => {
      if (closed !== null) return reject(crashed(closed, name))
      if (options.signal?.aborted) return reject(new SnugError('cancelled', 'cancelled'))
      const seq = nextSeq++
      const onAbort = () => {
        // `generate` answers with what it has; other calls have nothing to give, so the caller need not wait for them.
        if (closed === null) process.port.post({ seq: nextSeq++, call: 'cancel', args: { target: seq } })
        if (name !== 'generate') finish(() => reject(new SnugError('cancelled', 'cancelled')))
      }
      const timer =
        options.timeoutMs === undefined
          ? undefined
          : setTimeout(
              () =>
                finish(() => reject(new SnugError('engine/stalled', `${name} took longer than ${options.timeoutMs} ms`, { call: name }))),
              options.timeoutMs,
            )
      const finish = (settle: () => void) => {
        clearTimeout(timer)
        options.signal?.removeEventListener('abort', onAbort)
        open.delete(seq)
        settle()
      }
      open.set(seq, {
        name,
        onEvent: options.onEvent,
        resolve: (value) => finish(() => resolve(value as EngineCalls[C]['reply'])),
        reject: (error) => finish(() => reject(error)),
      })
      options.signal?.addEventListener('abort', onAbort, { once: true })
      try {
        // The pairing of call and args is checked by the signature; TypeScript cannot follow it through a generic.
        process.port.post({ seq, call: name, args } as ToEngine)
      } catch (error) {
        finish(() => reject(crashed(error instanceof Error ? error.message : String(error), name)))
      }
    })

  return {
    process,
    call,
    ready: () => {
      if (closed !== null) return Promise.reject(crashed(closed))
      if (isReady) return Promise.resolve()
      return new Promise<void>((resolve, reject) => readyWaiters.push({ resolve, reject }))
    },
    onLog: (listener) => {
      logListeners.add(listener)
      return () => logListeners.delete(listener)
    },
    get closed() {
      return closed
    },
    onClose: (listener) => {
      closeListeners.add(listener)
      return () => closeListeners.delete(listener)
    },
  }
}
