import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { freemem, loadavg } from 'node:os'
import { join } from 'node:path'
import { attentionElements, median } from '@shared/domain/calibration'
import type { CopyPlacement, CopyRun, CopySlice, CopyTarget } from '@shared/domain/emptyCopy'
import { MiB } from '@shared/domain/units'
import type { EngineCalls } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import type { LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp'
import { usableCores } from './cores'
import { writeEmptyCopy } from './emptyCopy'
import { evaluateOptions } from './generate'
import { inspectFile } from './ggufFile'
import { isStacked } from './ggufWeights'
import { createIdleCores } from './idleCores'
import { createLineKeeper, type EngineLog, forwardLine, loadError, openLlama, type OpenLlama } from './llama'
import { loadModel } from './llamaRunner'
import { planCopy, readModelHeader, sliceBytes, writeSlice } from './modelSlice'
import { createPromptThreads, type PromptThreads } from './promptThreads'
import type { CallContext } from './server'
import { createThreadGovernor, type ThreadGovernor } from './threadGovernor'

/** Loads a copy of holes with the planned settings and says what llama.cpp allocated for it. */
export async function copyMemory(
  { directory, ...request }: EngineCalls['copyMemory']['args'],
  call: CallContext,
  log: EngineLog,
): Promise<EngineCalls['copyMemory']['reply']> {
  await dieFirst()
  await mkdir(directory, { recursive: true })
  const path = await writeEmptyCopy(request.path, directory)
  const before = process.memoryUsage().rss
  const { model, loaded } = await loadModel({ ...request, path }, call, log)
  const grewBytes = process.memoryUsage().rss - before
  await model.llama.dispose()
  return { buffers: loaded.buffers, loadMs: loaded.loadMs, grewBytes }
}

/** Where the system runs out of memory after all, it is this process that goes, and nothing that a person works with. */
async function dieFirst(): Promise<void> {
  if (process.platform !== 'linux') return
  await writeFile('/proc/self/oom_score_adj', '1000').catch(() => {
    // A container may forbid it; the checks before the load remain.
  })
}

/** All of it may take so long; what is under way then is finished. */
const decodeMs = 7_000
const promptMs = 5_000
const deepDecodeMs = 1_500
const mostRounds = 10
const leastRounds = 3
const roundTokens = 5
/** Until the number of threads has settled. */
const warmTokens = 16
const warmMs = 1_500
/** The cost of what is before is no straight line; most replies of a chat begin about here. */
const usualTokens = 256
const deepTokens = 1024
const slowMs = 120
const testContext = 2048

const sampling = { temperature: null, topP: null, topK: null, minP: null, repeatPenalty: null, seed: 1 }

interface OpenSlice {
  model: LlamaModel
  sequence: LlamaContextSequence
  threads: ThreadGovernor
  promptThreads: PromptThreads
  batch: number
  vocabulary: number
  result: CopySlice
  elements: (depth: number) => number
}

/** Times of the copy's blocks. Both slices are loaded, and take turns: what else runs on the machine meets both. */
export async function copySpeed(
  { path, directory, plan, threads, bestThreads, budget }: EngineCalls['copySpeed']['args'],
  call: CallContext,
  log: EngineLog,
): Promise<CopyRun> {
  await dieFirst()
  const started = performance.now()
  const load = process.platform === 'win32' ? null : (loadavg()[0] ?? null)
  await mkdir(directory, { recursive: true })
  const model = await readModelHeader(path)
  const { slices } = planCopy(model, budget)
  const files = slices.map((slice, index) => ({ slice, path: join(directory, `slice-${index}.gguf`) }))
  const diskBytes = slices.reduce((sum, slice) => sum + sliceBytes(model, slice), 0)
  await refuseWithoutRoom(directory, diskBytes)
  const count = threads ?? usableCores()
  const lines = createLineKeeper()
  const tell = (fraction: number, slice: string) => call.emit({ kind: 'calibrate', fraction, slice })
  tell(0.02, 'write')
  const opened = await openLlama({
    backend: plan.gpuLayers > 0 ? plan.backend : 'cpu',
    threads: count,
    amx: !model.tensors.some(isStacked),
    onLine: (level, text) => {
      lines.push(level, text)
      forwardLine(log, level, text)
    },
  })
  try {
    for (const [index, file] of files.entries()) {
      refuseCancelled(call)
      await writeSlice(file.path, model, file.slice)
      tell(0.05 + (0.15 * (index + 1)) / files.length, 'write')
    }
    const split = plan.gpuLayers > 0 && plan.gpuLayers < plan.totalLayers
    const kinds = plan.gpuLayers === 0 ? [false] : split ? [true, false] : [true]
    const placements: CopyPlacement[] = []
    for (const [turn, gpu] of kinds.entries()) {
      const from = 0.2 + (0.8 * turn) / kinds.length
      const share = 0.8 / kinds.length
      const open: OpenSlice[] = []
      try {
        for (const file of files) {
          refuseCancelled(call)
          // With the output layer on the card, as it is in the split model.
          const gpuLayers = gpu ? 'max' : split ? 1 : 0
          open.push(await openSlice(file.path, { plan, threads: count, best: bestThreads, gpuLayers }, opened, call))
          tell(from + (share * 0.2 * open.length) / files.length, 'load')
        }
        await measure(open, opened, call, (fraction) => tell(from + share * (0.2 + 0.8 * fraction), 'run'))
        placements.push({ gpu, slices: open.map(({ result }) => result) })
      } catch (error) {
        throw loadError(error, lines, path)
      } finally {
        for (const slice of open) await slice.model.dispose()
      }
    }
    return { placements, threads: count, diskBytes, tookMs: performance.now() - started, load }
  } finally {
    await opened.llama.dispose()
    for (const file of files) await rm(file.path, { force: true })
  }
}

/** Beside what the files take, on the disk and in memory. */
const spareBytes = 512 * MiB

async function refuseWithoutRoom(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const refuse = (reason: 'disk' | 'memory', freeBytes: number) => {
    if (freeBytes >= neededBytes + spareBytes) return
    throw new SnugError('calibration/not-now', `no room for the copy: ${reason}`, {
      reason,
      freeBytes,
      neededBytes: neededBytes + spareBytes,
    })
  }
  refuse('disk', bavail * bsize)
  refuse('memory', freemem())
}

async function openSlice(
  path: string,
  {
    plan,
    threads,
    best,
    gpuLayers,
  }: { plan: CopyTarget['plan']; threads: number; best: CopyTarget['bestThreads']; gpuLayers: number | 'max' },
  { llama, backend }: OpenLlama,
  call: CallContext,
): Promise<OpenSlice> {
  const facts = await inspectFile(path)
  const contextSize = Math.max(256, Math.min(testContext, facts.trainContextSize))
  const batch = Math.min(contextSize >> 1, plan.batchSize)
  const type = ({ f16: 'F16', q8_0: 'Q8_0', q4_0: 'Q4_0' } as const)[plan.kvCacheType]
  const model = await llama.loadModel({
    modelPath: path,
    gpuLayers: backend === 'cpu' ? 0 : gpuLayers,
    useMmap: false,
    ignoreMemorySafetyChecks: backend !== 'cpu',
    defaultContextFlashAttention: plan.flashAttention,
    experimentalDefaultContextKvCacheKeyType: type,
    experimentalDefaultContextKvCacheValueType: type,
    loadSignal: call.signal,
  })
  const context = await model.createContext({
    contextSize,
    batchSize: batch,
    sequences: 1,
    threads,
    flashAttention: plan.flashAttention,
    experimentalKvCacheKeyType: type,
    experimentalKvCacheValueType: type,
    failedCreationRemedy: false,
    createSignal: call.signal,
  })
  const elements = (depth: number): number => attentionElements(facts, depth)
  return {
    model,
    sequence: context.getSequence(),
    threads: createThreadGovernor(threads, undefined, createIdleCores(threads), best?.decode),
    promptThreads: createPromptThreads(threads, undefined, createIdleCores(threads), best?.prefill),
    // As in a chat on the processor, where a slice of a prompt takes some 300 ms.
    batch: backend === 'cpu' ? Math.min(batch, 64) : batch,
    vocabulary: Math.max(1, facts.geometry.vocabularySize),
    elements,
    result: {
      blocks: facts.geometry.layers.length,
      blockBytes: facts.weights.activeLayerBytes.reduce((sum, bytes) => sum + bytes, 0),
      attention: [],
      decode: [],
      prefill: [],
    },
  }
}

async function measure(open: OpenSlice[], { llama }: OpenLlama, call: CallContext, onFraction: (fraction: number) => void): Promise<void> {
  const setThreads = (count: number): void => {
    if (llama.maxThreads !== count) llama.maxThreads = count
  }
  for (const slice of open) await decode(slice, warmTokens, warmMs, setThreads, call)
  const began = performance.now()
  const rounds: number[][][] = open.map(() => [])
  for (let round = 0; round < mostRounds && (round < leastRounds || performance.now() - began < decodeMs); round++) {
    for (const [index, slice] of open.entries()) {
      await slice.sequence.clearHistory()
      rounds[index]?.push(await decode(slice, roundTokens, decodeMs / leastRounds, setThreads, call))
    }
    onFraction(Math.min(0.4, Math.max((round + 1) / mostRounds, (performance.now() - began) / decodeMs) * 0.4))
  }
  for (const [index, slice] of open.entries()) slice.result.decode.push({ depth: roundTokens, rounds: rounds[index] ?? [] })

  // A machine so slow that a batch would take minutes gets smaller ones.
  if (open.some(({ result }) => median(result.decode[0]?.rounds.flat() ?? []) > slowMs))
    for (const slice of open) slice.batch = Math.min(slice.batch, 16)

  // A prompt: first batches of both in turns, then the larger one goes on to where it is deep.
  const filling = performance.now()
  for (let round = 0; round < leastRounds && (round === 0 || performance.now() - filling < promptMs / 2); round++) {
    for (const slice of open) {
      await slice.sequence.clearHistory()
      if (open.length > 1) await claimThreads(slice, setThreads)
      await evaluate(slice, setThreads, call)
    }
    onFraction(0.4 + 0.15 * ((round + 1) / leastRounds))
  }
  const large = open.at(-1)
  if (large === undefined) return
  const until = Math.min(deepTokens, large.sequence.contextSize - 64)
  for (const depth of new Set([Math.min(usualTokens, until), until])) {
    while (large.sequence.nextTokenIndex + large.batch <= depth && performance.now() - filling < promptMs) {
      await evaluate(large, setThreads, call)
      onFraction(0.55 + 0.3 * Math.min(1, large.sequence.nextTokenIndex / until))
    }
    await decodeDeep(large, setThreads, call)
  }
  const batches = large.result.prefill.map(({ from, tokens }) => from + tokens / 2)
  const depths = [...large.result.decode.map((row) => row.depth), ...batches, large.batch / 2]
  large.result.attention = [...new Set(depths)].map((at) => ({ depth: at, elements: large.elements(at) }))
}

/** The library shares its threads between both models for the first batch after a change of turns: one token takes that upon itself. */
async function claimThreads({ sequence, promptThreads, vocabulary }: OpenSlice, setThreads: (count: number) => void): Promise<void> {
  setThreads(promptThreads.count)
  await sequence.evaluateWithoutGeneratingNewTokens([tokenAt(0, vocabulary)])
  await sequence.clearHistory()
}

/** Tokens after what is there by now. */
async function decodeDeep(slice: OpenSlice, setThreads: (count: number) => void, call: CallContext): Promise<void> {
  const from = slice.sequence.nextTokenIndex
  const rounds: number[][] = []
  const began = performance.now()
  for (let round = 0; round < mostRounds / 2 && (round < leastRounds || performance.now() - began < deepDecodeMs); round++)
    rounds.push(await decode(slice, roundTokens, deepDecodeMs / leastRounds, setThreads, call))
  slice.result.decode.push({ depth: from + (rounds.flat().length >> 1), rounds })
}

function refuseCancelled(call: CallContext): void {
  if (call.signal.aborted) throw new SnugError('cancelled', 'cancelled')
}

/** Different rows of the embedding, so that a mixture chooses different experts. */
function tokenAt(index: number, vocabulary: number): Token {
  return ((300 + ((index * 37) % 1000)) % vocabulary) as Token
}

/** Milliseconds of single tokens with the threads that a chat would choose; what the model says is not what it is given. */
async function decode(
  { sequence, threads, vocabulary }: OpenSlice,
  tokens: number,
  limitMs: number,
  setThreads: (count: number) => void,
  call: CallContext,
): Promise<number[]> {
  threads.begin()
  const iterator = sequence.evaluate(
    [tokenAt(sequence.nextTokenIndex, vocabulary)],
    evaluateOptions(sampling, () => []),
  )
  const times: number[] = []
  const began = performance.now()
  try {
    await iterator.next()
    while (times.length < tokens && (times.length < 2 || performance.now() - began < limitMs)) {
      refuseCancelled(call)
      setThreads(threads.decode)
      const at = performance.now()
      await iterator.next([tokenAt(sequence.nextTokenIndex + 1, vocabulary)])
      const ms = performance.now() - at
      threads.measured(ms)
      times.push(ms)
    }
  } finally {
    await iterator.return()
  }
  return times
}

async function evaluate(slice: OpenSlice, setThreads: (count: number) => void, call: CallContext): Promise<void> {
  refuseCancelled(call)
  const { sequence, batch, promptThreads, threads, vocabulary } = slice
  const from = sequence.nextTokenIndex
  const tokens = Array.from({ length: batch }, (_, index) => tokenAt(from + index, vocabulary))
  if (threads.collapsed) promptThreads.atMost(threads.decode)
  setThreads(promptThreads.count)
  const cpu = process.cpuUsage()
  const at = performance.now()
  await sequence.evaluateWithoutGeneratingNewTokens(tokens)
  const ms = performance.now() - at
  const { user, system } = process.cpuUsage(cpu)
  promptThreads.measured({ tokens: batch, ms, cpuMs: (user + system) / 1000 })
  slice.result.prefill.push({ from, tokens: batch, ms })
}
