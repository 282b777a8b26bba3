import type { CallName, EngineCalls, EngineEvent, EngineRole, FromEngine, Port, ToEngine } from '@shared/engine/protocol'
import { SnugError, toErrorValue } from '@shared/errors'

export interface CallContext {
  /** Aborted by a `cancel` for this call. */
  readonly signal: AbortSignal
  emit(event: EngineEvent): void
}

export type RoleHandlers = {
  [C in Exclude<CallName, 'cancel'>]?: (
    args: EngineCalls[C]['args'],
    context: CallContext,
  ) => EngineCalls[C]['reply'] | Promise<EngineCalls[C]['reply']>
}

/** Answers calls by their seq. Errors cross as values; a call that this role does not answer is a bug of the caller. */
export function serve(port: Port<ToEngine, FromEngine>, role: EngineRole, handlers: RoleHandlers): void {
  const open = new Map<number, AbortController>()

  const run = async (message: Exclude<ToEngine, { call: 'cancel' }>) => {
    const { seq, call, args } = message
    const controller = new AbortController()
    open.set(seq, controller)
    try {
      const handler = handlers[call] as ((args: unknown, context: CallContext) => unknown) | undefined
      if (handler === undefined) throw new SnugError('internal/bug', `the ${role} process does not answer ${call}`)
      const value = await handler(args, { signal: controller.signal, emit: (event) => port.post({ type: 'event', seq, event }) })
      port.post({ type: 'reply', seq, ok: true, value })
    } catch (error) {
      port.post({ type: 'reply', seq, ok: false, error: toErrorValue(error) })
    } finally {
      open.delete(seq)
    }
  }

  port.onMessage((message) => {
    if (message.call === 'cancel') {
      open.get(message.args.target)?.abort()
      port.post({ type: 'reply', seq: message.seq, ok: true, value: null })
      return
    }
    void run(message)
  })
  port.post({ type: 'ready', role })
}
