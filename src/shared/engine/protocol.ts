import type { CalibrationRun } from '../domain/calibration'
import type { GenerationStats, PromptMessage, Sampling } from '../domain/chat'
import type { CopyRun, CopyTarget } from '../domain/emptyCopy'
import type { KvCacheType, ModelFacts } from '../domain/gguf'
import type { Backend, EngineProbe } from '../domain/hardware'
import type { EstimateLevel, MemoryPart } from '../domain/memory'
import type { ThinkingCapability, ThinkingChoice, ThoughtMarkers } from '../domain/thinking'
import type { Bytes } from '../domain/units'
import type { ErrorValue } from '../errors'

/** The two roles of the one worker entry: `tools` holds no weights and is expendable, `model` holds one loaded model. */
export type EngineRole = 'tools' | 'model'

/** Where a chat template comes from. */
export type TemplateSource = { kind: 'file'; path: string } | { kind: 'template'; template: string; bos: string | null; eos: string | null }

/** A piece of a rendered prompt. `template` pieces are tokenised with special tokens, `text` pieces (a person's or a model's words) without. */
export interface PromptPiece {
  kind: 'template' | 'text'
  text: string
}

export interface RenderRequest {
  source: TemplateSource
  messages: PromptMessage[]
  thinking: ThinkingChoice
}

export interface RenderedPrompt {
  /** The prompt as one string: what the model sees. */
  text: string
  pieces: PromptPiece[]
  thinking: ThinkingCapability
  /** How to read the reply; null for a model without thoughts. */
  markers: ThoughtMarkers | null
  /** The prompt already opens a thought: the reply starts inside it. */
  opensThought: boolean
  /** The prompt ends in the middle of an answer: its thought is over, and a closing marker from here on is the model's own words. */
  inAnswer?: boolean
  /** Thinking is off for this reply: any thought that comes anyway is still parsed, never shown as text. */
  thinkingOff: boolean
  /** A spelling at which generation stops besides end-of-generation tokens. */
  stops: string[]
  /** The template that was used: the model's own, or a named, tested fallback (then say so). */
  template: { kind: 'own' } | { kind: 'fallback'; name: string; reason: string }
}

export interface LoadRequest {
  path: string
  backend: Backend | 'auto'
  gpuLayers: number | 'max' | 'auto'
  contextSize: number | 'auto'
  batchSize: number | 'auto'
  threads: number | 'auto'
  /** What a calibration found best here: each reply begins with these, and goes on with what is faster then. Left out: all cores. */
  bestThreads?: { decode: number; prefill: number }
  flashAttention: boolean | 'auto'
  kvCacheType: KvCacheType
  useMmap: boolean | 'auto'
}

export interface LoadedModel {
  backend: Backend
  gpuLayers: number
  totalLayers: number
  contextSize: number
  batchSize: number
  threads: number
  flashAttention: boolean
  kvCacheType: KvCacheType
  useMmap: boolean
  trainContextSize: number
  loadMs: number
  /** What llama.cpp says it allocated. `totals-only`: the log lines did not add up to its own totals within 1 s. */
  buffers: { parts: MemoryPart[]; completeness: 'complete' | 'totals-only' }
  /** True where the sequence cannot rewind (sliding window, recurrent) and checkpoints are taken. */
  needsCheckpoints: boolean
}

export interface GenerateRequest {
  prompt: PromptPiece[]
  /** Whether the prompt text starts with BOS is found from the text; this is the vocabulary's own flag otherwise. */
  sampling: Sampling
  markers: ThoughtMarkers | null
  opensThought: boolean
  inAnswer?: boolean
  /** Tokens of thought after which it is closed gracefully; null is no limit. */
  thoughtBudgetTokens: number | null
  maxTokens: number | null
  stops: string[]
}

export interface EstimateRequest {
  path: string
  contextSize: number
  batchSize: number
  gpuLayers: number | 'max'
  kvCacheType: KvCacheType
  flashAttention: boolean | 'auto'
  useMmap: boolean
  backend: Backend | 'auto'
}

export interface EngineEstimate {
  level: EstimateLevel
  parts: MemoryPart[]
}

/** How much of a file's header is in the bytes that were fetched. `likelyBytes` guesses the end from the list that is being read. */
export type HeaderCheck =
  | { complete: false; needsBytes: Bytes; likelyBytes: Bytes }
  | { complete: true; headerBytes: Bytes; sha256: string; splitCount: number; splitNumber: number }

/** Calls answered by a reply; `tools` answers the first group, `model` the second. Units: bytes, tokens, milliseconds. */
export interface EngineCalls {
  probe: { args: { backend: Backend | 'auto' }; reply: EngineProbe }
  inspect: { args: { path: string }; reply: ModelFacts }
  /** The bounded check of a header that may still be incomplete: `path` holds the first bytes of a file of `size` bytes. */
  header: { args: { path: string; size: Bytes }; reply: HeaderCheck }
  capability: { args: { source: TemplateSource }; reply: ThinkingCapability }
  render: { args: RenderRequest; reply: RenderedPrompt }
  estimate: { args: EstimateRequest; reply: EngineEstimate }
  /** Vocabulary-only load (0.3–1.1 s the first time, then cached for that file). */
  tokenize: { args: { path: string; prompt: PromptPiece[] }; reply: { tokens: number[] } }
  /** Loads the scripted model with this backend and compares what it says: "does CUDA really work here?" */
  engineCheck: { args: { backend: Backend; directory: string }; reply: { ok: boolean; detail: string; tokensPerSecond: number } }

  /** Times of small slices on this backend (some 25 s); files go into `directory`, which the caller removes. Give it a process of its own. */
  calibrate: { args: { backend: Backend; directory: string }; reply: CalibrationRun }

  /** Loads a copy without weights: the buffers are those of the real file. As `calibrate`: a process and a directory of its own. */
  copyMemory: { args: LoadRequest & { directory: string }; reply: Pick<LoadedModel, 'buffers' | 'loadMs'> & { grewBytes: Bytes } }
  /** Times of a few blocks of that model, filled at random. */
  copySpeed: { args: CopyTarget & { path: string; directory: string }; reply: CopyRun }

  load: { args: LoadRequest; reply: LoadedModel }
  /** How many tokens a prompt has, with the loaded vocabulary. */
  count: { args: { prompt: PromptPiece[] }; reply: { tokens: number } }
  generate: { args: GenerateRequest; reply: GenerationStats }
  /** By how much the process has grown (RSS) since before the load, what a reply leaves given back in that time; null: it is busy again. */
  grown: { args: { settleMs: number }; reply: { bytes: Bytes | null } }
  saveState: { args: { path: string }; reply: { bytes: Bytes } }
  loadState: { args: { path: string }; reply: { tokens: number } }
  /** Ends the call with that seq; it then answers with what it has. */
  cancel: { args: { target: number }; reply: null }
}
export type CallName = keyof EngineCalls

export type ToEngine = { [C in CallName]: { seq: number; call: C; args: EngineCalls[C]['args'] } }[CallName]

export type FromEngine =
  | { type: 'ready'; role: EngineRole }
  | { type: 'reply'; seq: number; ok: true; value: unknown }
  | { type: 'reply'; seq: number; ok: false; error: ErrorValue }
  | { type: 'event'; seq: number; event: EngineEvent }
  | { type: 'log'; level: 'debug' | 'info' | 'warn' | 'error'; text: string }

/** What happens during a call. Any event counts as progress for the stall watchdog. */
export type EngineEvent =
  | { kind: 'load-progress'; fraction: number }
  | { kind: 'prefill'; done: number; total: number; cached: number }
  /** `raw` is the generated text with its markers; joined for about one frame. */
  | { kind: 'delta'; segment: 'answer' | 'thought'; text: string; tokens: number; raw: string }
  | { kind: 'calibrate'; fraction: number; slice: string }
  | { kind: 'alive' }

/** One end of a channel between two processes. */
export interface Port<In, Out> {
  post(message: Out): void
  onMessage(listener: (message: In) => void): void
  /** The other end is gone; called once. */
  onClose(listener: (reason: string) => void): void
}

/** A worker process as main and the command line see it, however it was started (utilityProcess or child_process). */
export interface EngineProcess {
  readonly pid: number | undefined
  readonly port: Port<FromEngine, ToEngine>
  /** Ends the process: SIGTERM, then SIGKILL after 2 s. Resolves when it is gone. */
  kill(): Promise<void>
}

/** Starts a worker. `env` is minimal: no tokens, no proxy secrets; always `UV_THREADPOOL_SIZE=1`. */
export type ForkEngine = (role: EngineRole) => EngineProcess
