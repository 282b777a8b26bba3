import type { GenerationStats } from '@shared/domain/chat'
import { defaultFacts } from './fakeFacts'
import type {
  CallName,
  EngineCalls,
  EngineEvent,
  EngineProcess,
  EngineRole,
  ForkEngine,
  FromEngine,
  ToEngine,
} from '@shared/engine/protocol'
import { SnugError, toErrorValue } from '@shared/errors'

/** What a scripted call may do besides answering. */
export interface FakeCall {
  readonly role: EngineRole
  /** Aborted by `cancel` for this call. */
  readonly signal: AbortSignal
  emit(event: EngineEvent): void
  /** The process ends now, as a crash does: every open call is rejected by the client. */
  exit(reason?: string): void
  /** Never answers (a hang). */
  stall(): Promise<never>
}

export type FakeHandlers = {
  [C in CallName]?: (args: EngineCalls[C]['args'], call: FakeCall) => EngineCalls[C]['reply'] | Promise<EngineCalls[C]['reply']>
}

/** One reply of the scripted model; the last one repeats. */
export interface FakeReply {
  thought?: string
  answer: string
  /** Pause before each delta; 0 still gives other work a turn. */
  delayMs?: number
  /** What goes wrong after this many deltas. */
  fault?: { kind: 'stall' | 'exit' | 'out-of-memory'; afterDeltas: number }
}

export interface FakeScript {
  replies?: FakeReply[]
  /** Replaces the default answer of a call. */
  handlers?: FakeHandlers
  /** Called for every started process; throw to refuse the start. */
  onFork?: (role: EngineRole, index: number) => void
}

export interface FakeEngineProcess extends EngineProcess {
  readonly role: EngineRole
  readonly alive: boolean
  /** Every message this process got, in order. */
  readonly received: ToEngine[]
  /** Ends it as kill -9 would. */
  crash(reason?: string): void
}

export type FakeForkEngine = ForkEngine & { readonly processes: FakeEngineProcess[] }

const tokensOf = (text: string) => text.match(/\S+\s*|\s+/g) ?? []
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

async function playReply(reply: FakeReply, args: EngineCalls['generate']['args'], call: FakeCall): Promise<GenerationStats> {
  const started = performance.now()
  const promptTokens = args.prompt.reduce((sum, piece) => sum + tokensOf(piece.text).length, 0)
  call.emit({ kind: 'prefill', done: promptTokens, total: promptTokens, cached: 0 })
  const deltas = [
    ...tokensOf(reply.thought ?? '').map((text) => ({ segment: 'thought' as const, text })),
    ...tokensOf(reply.answer).map((text) => ({ segment: 'answer' as const, text })),
  ]
  let sent = 0
  let thoughtTokens = 0
  let stopReason: GenerationStats['stopReason'] = 'end'
  for (const delta of deltas) {
    if (reply.fault && sent >= reply.fault.afterDeltas) {
      if (reply.fault.kind === 'exit') call.exit()
      if (reply.fault.kind === 'out-of-memory') throw new SnugError('engine/out-of-memory', 'scripted: out of memory')
      await call.stall()
    }
    await pause(reply.delayMs ?? 0)
    if (call.signal.aborted) stopReason = 'stopped'
    else if (args.maxTokens !== null && sent >= args.maxTokens) stopReason = 'max-tokens'
    if (stopReason !== 'end') break
    call.emit({ kind: 'delta', segment: delta.segment, text: delta.text, tokens: 1, raw: delta.text })
    sent++
    if (delta.segment === 'thought') thoughtTokens++
  }
  const evalMs = Math.max(1, performance.now() - started)
  return {
    promptTokens,
    cachedTokens: 0,
    promptMs: 1,
    evalTokens: sent,
    thoughtTokens,
    evalMs,
    ttftMs: 1,
    promptTokensPerSecond: promptTokens * 1000,
    evalTokensPerSecond: (sent / evalMs) * 1000,
    stopReason,
  }
}

function defaultHandlers(replies: FakeReply[]): Required<FakeHandlers> {
  let turn = 0
  return {
    ...defaultFacts,
    generate: (args, call) => {
      const reply = replies[Math.min(turn++, replies.length - 1)] ?? { answer: 'ok' }
      return playReply(reply, args, call)
    },
    load: (args, call) => {
      call.emit({ kind: 'load-progress', fraction: 1 })
      return defaultFacts.load(args)
    },
  }
}

function startProcess(role: EngineRole, pid: number, handlers: Required<FakeHandlers>): FakeEngineProcess {
  const messageListeners: ((message: FromEngine) => void)[] = []
  const closeListeners: ((reason: string) => void)[] = []
  const received: ToEngine[] = []
  const open = new Map<number, AbortController>()
  let alive = true

  const emit = (message: FromEngine) => {
    // What was written before a crash arrives before its news, and never in the caller's own turn, as with a real process.
    if (!alive) return
    setImmediate(() => {
      for (const listener of messageListeners) listener(message)
    })
  }
  const crash = (reason = 'exit code 1') => {
    if (!alive) return
    alive = false
    for (const controller of open.values()) controller.abort()
    setImmediate(() => {
      for (const listener of closeListeners) listener(reason)
    })
  }
  const answer = async (message: ToEngine) => {
    const controller = new AbortController()
    open.set(message.seq, controller)
    const call: FakeCall = {
      role,
      signal: controller.signal,
      emit: (event) => emit({ type: 'event', seq: message.seq, event }),
      exit: crash,
      stall: () => new Promise<never>(() => undefined),
    }
    try {
      const handler = handlers[message.call] as (args: unknown, call: FakeCall) => unknown
      const value = await handler(message.args, call)
      emit({ type: 'reply', seq: message.seq, ok: true, value })
    } catch (error) {
      emit({ type: 'reply', seq: message.seq, ok: false, error: toErrorValue(error) })
    } finally {
      open.delete(message.seq)
    }
  }
  emit({ type: 'ready', role })
  return {
    role,
    pid,
    received,
    get alive() {
      return alive
    },
    crash,
    kill: async () => crash('killed'),
    port: {
      post: (message) => {
        if (!alive) return
        received.push(structuredClone(message))
        if (message.call === 'cancel') open.get(message.args.target)?.abort()
        void answer(structuredClone(message))
      },
      onMessage: (listener) => void messageListeners.push(listener),
      onClose: (listener) => void closeListeners.push(listener),
    },
  }
}

/** Worker processes in memory, for fast tests of what stands above them: they can stall, flood, exit and run out of memory. */
export function createFakeEngine(script: FakeScript = {}): FakeForkEngine {
  const processes: FakeEngineProcess[] = []
  const handlers = { ...defaultHandlers(script.replies ?? []), ...script.handlers } as Required<FakeHandlers>
  const fork: ForkEngine = (role) => {
    script.onFork?.(role, processes.length)
    const started = startProcess(role, 100_000 + processes.length, handlers)
    processes.push(started)
    return started
  }
  return Object.assign(fork, { processes })
}
