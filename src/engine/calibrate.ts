import { rm } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import {
  attentionElements,
  type CalibrationRun,
  isDisturbed,
  leastDisturbed,
  median,
  type SliceMeasurement,
} from '@shared/domain/calibration'
import type { Backend } from '@shared/domain/hardware'
import { SnugError } from '@shared/errors'
import type { LlamaContextSequence, Token } from 'node-llama-cpp'
import { type SlicePlan, slicePlans, writeSlice } from './calibrationShapes'
import { usableCores } from './cores'
import { evaluateOptions } from './generate'
import { inspectFile } from './ggufFile'
import { createLineKeeper, type EngineLog, forwardLine, loadError, type OpenLlama, openLlama } from './llama'
import type { CallContext } from './server'

/** No further type is begun after this; those that every calibration needs come first. */
const timeMs = 24_000
/** The slices that the arithmetic cannot do without. */
const neededSlices = 9
const warmTokens = 2
const decodeTokens = 14
/** Of a small slice more tokens are decoded, for so long. */
const shortMs = 300
/** A machine so slow that it would not finish measures less of each. */
const patienceMs = 1500
/** So many slices may be measured once more. */
const maxRepeats = 4
/** Where a token takes longer, what the first batch of a prompt takes beside computing is nothing. */
const coldMs = 40

const sampling = { temperature: null, topP: null, topK: null, minP: null, repeatPenalty: null, seed: 1 }
/** Different rows of the embedding, so that a mixture chooses different experts. */
const tokenAt = (index: number): Token => (300 + ((index * 37) % 1000)) as Token

/** Runs small slices of made-up models on this backend; nothing is downloaded, each file is deleted before the next is written. */
export async function calibrateBackend(backend: Backend, folder: string, call: CallContext, log: EngineLog): Promise<CalibrationRun> {
  const started = performance.now()
  const load = loadavg()[0] ?? 0
  const lines = createLineKeeper()
  const cores = usableCores()
  const opened = await openLlama({
    backend,
    threads: cores,
    onLine: (level, text) => {
      lines.push(level, text)
      forwardLine(log, level, text)
    },
  })
  const onGpu = opened.backend !== 'cpu'
  const plans = onGpu ? slicePlans(8, false) : slicePlans(3, true)
  const run: CalibrationRun = {
    backend: opened.backend,
    device: opened.devices[0] ?? 'CPU',
    threads: { decode: cores, prefill: cores },
    slices: [],
    tookMs: 0,
    load: process.platform === 'win32' ? null : load,
  }
  let repeated = 0
  try {
    for (const [index, plan] of plans.entries()) {
      const elapsed = performance.now() - started
      if (index >= neededSlices && elapsed > timeMs) break
      call.emit({ kind: 'calibrate', fraction: Math.min(0.98, Math.max(index / plans.length, elapsed / 30_000)), slice: plan.name })
      const path = join(folder, `slice-${index}.gguf`)
      try {
        await writeSlice(path, plan)
        const slice = await measure(path, plan, opened, index === 0, run, call)
        const repeats = isDisturbed(slice) && repeated < maxRepeats && performance.now() - started < timeMs
        if (repeats) repeated++
        run.slices.push(repeats ? leastDisturbed(slice, await measure(path, plan, opened, false, run, call)) : slice)
      } catch (error) {
        throw loadError(error, lines, path)
      } finally {
        await rm(path, { force: true })
      }
    }
    run.tookMs = performance.now() - started
    return run
  } finally {
    await opened.llama.dispose()
  }
}

async function measure(
  path: string,
  plan: SlicePlan,
  { llama, backend }: OpenLlama,
  choosesThreads: boolean,
  run: CalibrationRun,
  call: CallContext,
): Promise<SliceMeasurement> {
  const facts = await inspectFile(path)
  const onGpu = backend !== 'cpu'
  // As in a chat: on the processor most prompts go in slices of 64 (prefill.ts).
  const batch = onGpu ? 512 : 64
  const model = await llama.loadModel({ modelPath: path, gpuLayers: onGpu ? 'max' : 0, useMmap: false, loadSignal: call.signal })
  try {
    const context = await model.createContext({
      contextSize: 2048,
      batchSize: batch,
      sequences: 1,
      threads: Math.max(run.threads.decode, run.threads.prefill),
      flashAttention: 'auto',
      failedCreationRemedy: false,
      createSignal: call.signal,
    })
    const sequence = context.getSequence()
    const threads = (count: number): void => {
      if (llama.maxThreads !== count) llama.maxThreads = count
    }
    await decode(sequence, warmTokens, call)
    if (choosesThreads && !onGpu) run.threads = await chooseThreads(sequence, run.threads.decode, threads, call)
    threads(run.threads.decode)
    await sequence.clearHistory()
    const few = await decode(sequence, decodeTokens, call)
    const more = Math.ceil(shortMs / Math.max(1, median(few))) - few.length
    const shallow = [...few, ...(more > 0 ? await decode(sequence, more, call, shortMs) : [])]
    const decoded = [{ depth: 0, ms: shallow }]
    threads(run.threads.prefill)
    await sequence.clearHistory()
    const size = median(shallow) > 100 ? 32 : batch
    // Not counted: it touches for the first time what was only reserved.
    if (median(shallow) < coldMs) await evaluate(sequence, size, size, call)
    await sequence.clearHistory()
    // Twice: what else runs for a moment makes one of them slower.
    const first = await evaluate(sequence, size, size, call)
    await sequence.clearHistory()
    const prefill = [...first, ...(await evaluate(sequence, plan.deepTokens > 0 ? plan.deepTokens : size, size, call))]
    if (plan.deepTokens > 0) {
      threads(run.threads.decode)
      const depth = sequence.nextTokenIndex
      decoded.push({ depth, ms: await decode(sequence, decodeTokens, call) })
    }
    return {
      name: plan.name,
      role: plan.role,
      bytesByType: facts.weights.activeBytesByType ?? facts.weights.bytesByType,
      width: plan.shape.width,
      layers: plan.layers,
      vocabulary: facts.geometry.vocabularySize,
      attention: attentionElements(facts, 1),
      heads: facts.geometry.headCount * plan.layers,
      headDim: plan.shape.headDim,
      decode: decoded,
      prefill,
    }
  } finally {
    await model.dispose()
  }
}

/** Two rounds over the counts that may be best; a count that others disturb loses both. */
async function chooseThreads(
  sequence: LlamaContextSequence,
  cores: number,
  set: (count: number) => void,
  call: CallContext,
): Promise<{ decode: number; prefill: number }> {
  const counts = [...new Set([cores, cores - 1, Math.ceil(cores / 2)])].filter((count) => count >= 1)
  if (counts.length === 1) return { decode: cores, prefill: cores }
  const decoding = new Map<number, number[]>()
  const filling = new Map<number, number>()
  for (let round = 0; round < 2; round++) {
    for (const count of counts) {
      set(count)
      await sequence.clearHistory()
      decoding.set(count, [...(decoding.get(count) ?? []), ...(await decode(sequence, 5, call))])
      const [slice] = await evaluate(sequence, 32, 32, call)
      filling.set(count, Math.min(filling.get(count) ?? Number.POSITIVE_INFINITY, slice?.ms ?? 0))
    }
  }
  const fastest = (cost: (count: number) => number): number => counts.toSorted((a, b) => cost(a) - cost(b))[0] ?? cores
  return { decode: fastest((count) => median(decoding.get(count) ?? [])), prefill: fastest((count) => filling.get(count) ?? 0) }
}

function refuseCancelled(call: CallContext): void {
  if (call.signal.aborted) throw new SnugError('cancelled', 'cancelled')
}

/** Milliseconds of each decode, sampler included as in a chat; what the model says is not what it is given. */
async function decode(sequence: LlamaContextSequence, count: number, call: CallContext, longestMs = patienceMs): Promise<number[]> {
  const iterator = sequence.evaluate(
    [tokenAt(sequence.nextTokenIndex)],
    evaluateOptions(sampling, () => []),
  )
  const times: number[] = []
  const began = performance.now()
  try {
    await iterator.next()
    for (let index = 0; index < count && (times.length < 3 || performance.now() - began < longestMs); index++) {
      refuseCancelled(call)
      const at = performance.now()
      await iterator.next([tokenAt(sequence.nextTokenIndex + 1)])
      times.push(performance.now() - at)
    }
  } finally {
    await iterator.return()
  }
  return times
}

/** A prompt in batches: until so many tokens are there, or patience ends. */
async function evaluate(
  sequence: LlamaContextSequence,
  until: number,
  batch: number,
  call: CallContext,
): Promise<SliceMeasurement['prefill']> {
  const measured: SliceMeasurement['prefill'] = []
  const began = performance.now()
  const first = sequence.nextTokenIndex
  while (sequence.nextTokenIndex - first < until && (measured.length === 0 || performance.now() - began < 4 * patienceMs)) {
    refuseCancelled(call)
    const from = sequence.nextTokenIndex
    const tokens = Array.from({ length: batch }, (_, index) => tokenAt(from + index))
    const at = performance.now()
    await sequence.evaluateWithoutGeneratingNewTokens(tokens)
    measured.push({ from, tokens: batch, ms: performance.now() - at })
  }
  return measured
}
