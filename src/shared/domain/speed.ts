import { hasAmx } from './amx'
import { type DeviceShare, decodeMs, prefillMs } from './calibratedTimes'
import { type Calibration, modelError } from './calibration'
import { type Corrections, correctRange, kindOf, runPlace } from './corrections'
import { deviceSpec } from './deviceBandwidth'
import type { Backend, HardwareReport } from './hardware'
import { between, layerSums, weightSums } from './layerSums'
import { kvElementBytes } from './kvCache'
import { layerRuns } from './layerRuns'
import type { MemoryDevice, MemoryOptions, SizedModel } from './memory'
import type { Bytes, Range } from './units'

/** Where a speed is from, best last. */
export type SpeedSource = 'assumed' | 'table' | 'calibration' | 'copy' | 'measured'

/** Tokens per second and milliseconds; a range until it was measured on this machine. */
export interface SpeedEstimate {
  decode: Range
  prefill: Range
  /** First token of a 1,000-token prompt, milliseconds. */
  ttftMs: Range
  source: SpeedSource
  /** So many models that were used here moved and narrowed it; left out: none. */
  learnedFrom?: number
  /** One figure each, at a usual depth (256 tokens before), where the devices were measured. */
  typical?: { decode: number; prefill: number }
}

/** What a device reaches when it runs a model: bytes per second at decode, operations per second at prefill. Low and high end. */
export interface DeviceSpeed {
  device: MemoryDevice
  dense: Range
  mixture: Range
  prefillFlops: Range
  /** Milliseconds per token that are not reading. */
  fixedMs: Range
  source: SpeedSource
  /** Measured here: then it decides, and the ranges above are only shown. */
  calibration?: Calibration
}

/**
 * Share of the paper bandwidth that llama.cpp reaches at decode. Centres are the defaults of facts engine.md §4 (CUDA 0.65 dense, 0.40 MoE;
 * Metal 0.60, 0.38; Vulkan 0.55, 0.35; CPU 0.70); ends cover what was measured (0.41 M1 Max … 0.80 M4).
 */
export const efficiency: Readonly<Record<Backend, { dense: Range; mixture: Range }>> = {
  cuda: { dense: [0.52, 0.78], mixture: [0.28, 0.55] },
  metal: { dense: [0.41, 0.81], mixture: [0.27, 0.52] },
  vulkan: { dense: [0.42, 0.7], mixture: [0.24, 0.48] },
  cpu: { dense: [0.5, 0.85], mixture: [0.4, 0.75] },
}

/** A mixture prefills at 0.66 of a dense model's operations per second (facts: engine.md §4). */
const mixturePrefill = 0.66

/** Prefill operations per byte of bandwidth, where no card of the table was measured: 64–165 NVIDIA, 17–30 Apple (facts: engine.md §4); others assumed between. */
const flopsPerByte: readonly { match: RegExp; range: Range }[] = [
  { match: /nvidia|geforce|rtx|gtx|tesla/i, range: [55, 140] },
  { match: /apple/i, range: [14, 32] },
  { match: /arc/i, range: [20, 70] },
  { match: /rx \d|radeon pro|instinct|r9700/i, range: [25, 90] },
]

/** Prefill of the CPU, per core that may be used (facts: engine.md §4: 96–143 GFLOP/s at one AVX-512 thread, 1.7–2 × at two; AMX: ADR 12, 150–220). */
function cpuFlops(cpu: HardwareReport['cpu']): Range {
  const wide = cpu.features.some((feature) => /avx512/i.test(feature))
  const perCore: Range = hasAmx(cpu.features) ? [70e9, 240e9] : wide ? [45e9, 110e9] : [20e9, 60e9]
  const cores = Math.max(1, cpu.usableCores) ** 0.9
  return [perCore[0] * cores, perCore[1] * cores]
}

/** Bytes per second without a figure for the modules: what a core streams (facts: 10.6 GB/s at two Xeon cores, 22 at one Zen 4 core), up to two channels of DDR. */
function assumedRam(cpu: HardwareReport['cpu']): Range {
  const cores = Math.max(1, cpu.usableCores)
  return [Math.min(20e9, 6e9 * cores), Math.min(55e9, 18e9 * cores)]
}

/** The calibrations are of this machine; a device that has one is predicted by it, any other by the table. */
export function deviceSpeeds(report: HardwareReport, backend: Backend, calibrations: readonly Calibration[] = []): DeviceSpeed[] {
  const measured = (speed: DeviceSpeed): DeviceSpeed => {
    const wanted = speed.device === 'cpu' ? 'cpu' : speed.device === 'gpu0' ? backend : null
    const calibration = calibrations.find((candidate) => candidate.backend === wanted)
    return calibration === undefined ? speed : calibrated(speed.device, calibration)
  }
  return tableSpeeds(report, backend).map(measured)
}

function calibrated(device: MemoryDevice, calibration: Calibration): DeviceSpeed {
  const ends = (rates: readonly number[]): Range => [Math.min(...rates), Math.max(...rates)]
  const dense = ends(Object.values(calibration.bandwidth))
  const { decode } = calibration.mixture
  return {
    device,
    dense,
    mixture: [dense[0] / decode, dense[1] / decode],
    prefillFlops: ends(Object.values(calibration.flops)),
    fixedMs: [calibration.tokenMs, calibration.tokenMs],
    source: 'calibration',
    calibration,
  }
}

function tableSpeeds(report: HardwareReport, backend: Backend): DeviceSpeed[] {
  const ram = report.cpu.bandwidth
  const scale = (range: Range, by: number): Range => [range[0] * by, range[1] * by]
  const cpu: DeviceSpeed = {
    device: 'cpu',
    dense: ram === null ? assumedRam(report.cpu) : scale(efficiency.cpu.dense, ram.bytesPerSecond),
    mixture: ram === null ? scale(assumedRam(report.cpu), 0.85) : scale(efficiency.cpu.mixture, ram.bytesPerSecond),
    prefillFlops: cpuFlops(report.cpu),
    fixedMs: [1, 6],
    source: ram === null ? 'assumed' : 'table',
  }
  if (backend === 'cpu') return [cpu]
  const gpus = report.gpus.filter((gpu) => gpu.backends.includes(backend))
  return [
    ...gpus.map((gpu, index): DeviceSpeed => {
      const bandwidth =
        gpu.bandwidth?.bytesPerSecond ?? (gpu.sharedWithRam ? ram?.bytesPerSecond : undefined) ?? (gpu.sharedWithRam ? 50e9 : 200e9)
      const measured = deviceSpec(gpu.name)?.prefillFlops ?? null
      const perByte = flopsPerByte.find((row) => row.match.test(`${gpu.vendor} ${gpu.name}`))?.range ?? [10, 40]
      const known = gpu.bandwidth !== null || (gpu.sharedWithRam && ram !== null)
      return {
        device: `gpu${index}`,
        dense: scale(efficiency[backend].dense, bandwidth),
        mixture: scale(efficiency[backend].mixture, bandwidth),
        prefillFlops: measured === null ? scale(perByte, bandwidth) : [measured * 0.8, measured * 1.5],
        fixedMs: [0.1, 0.6],
        source: known ? 'table' : 'assumed',
      }
    }),
    cpu,
  ]
}

/** What lies on one device, and what a token reads of it: active blocks and the output matrix; the KV cache so far. */
interface DeviceReading {
  device: MemoryDevice
  blocks: number
  output: boolean
  /** Weights, and the state of recurrent blocks. */
  fixed: Bytes
  cache: Bytes
}

/** `token_embd` is read by row and costs nothing. */
function readings(model: SizedModel, options: MemoryOptions, depth: number): DeviceReading[] {
  const { geometry, weights } = model
  const blocks = geometry.layers.length
  const place = layerRuns(blocks, options)
  const layers = layerSums(geometry)
  const { active } = weightSums(weights)
  const element = kvElementBytes[options.kvCacheType]
  const windowed = Math.min(depth, geometry.slidingWindow ?? depth)
  return place.runs.map(({ device, from, to }) => {
    const output = device === place.output
    return {
      device,
      blocks: Math.min(to, blocks) - Math.min(from, blocks),
      output,
      fixed: between(active, from, to) + between(layers.state, from, to) + (output ? weights.outputBytes : 0),
      cache: (between(layers.full, from, to) * depth + between(layers.sliding, from, to) * windowed) * element,
    }
  })
}

/** Bytes read for one token, by device. */
export function bytesPerToken(model: SizedModel, options: MemoryOptions, depth: number): Map<MemoryDevice, Bytes> {
  return new Map(readings(model, options, depth).map(({ device, fixed, cache }) => [device, fixed + cache]))
}

/** Tokens per second with so many tokens before, and of a prompt with so many before each token in the mean. Where devices are measured, both ends lie as far apart as is uncertain. */
export function speedAt(
  model: SizedModel,
  options: MemoryOptions,
  devices: readonly DeviceSpeed[],
  depth: number,
  promptDepth = usualPromptDepth,
): Pick<SpeedEstimate, 'decode' | 'prefill'> {
  const seconds = (end: 0 | 1) => secondsAt(model, options, devices, depth, end, promptDepth)
  const [low, high] = [seconds(0), seconds(1)]
  return { decode: [1 / low.decode, 1 / high.decode], prefill: [1 / low.prefill, 1 / high.prefill] }
}

/** Tokens of the prompt that a first token is told for, and how many of them are before one of them in the mean. */
const usualPrompt = 1000
const usualPromptDepth = usualPrompt / 2

/**
 * decode = 1 ÷ Σ over devices (bytes ÷ bytes per second + fixed); prefill = 1 ÷ Σ (share of the blocks × 2 × active parameters without the
 * embedding ÷ operations per second). A device with a calibration gives its time by that instead.
 */
function secondsAt(
  model: SizedModel,
  options: MemoryOptions,
  devices: readonly DeviceSpeed[],
  depth: number,
  end: 0 | 1,
  promptDepth = usualPromptDepth,
): { decode: number; prefill: number } {
  const mixture = model.geometry.experts !== null
  const blocks = Math.max(1, model.geometry.layers.length)
  const perToken = 2 * activeBlockParameters(model) * (mixture ? 1 / mixturePrefill : 1)
  const reads = readings(model, options, depth)
  const allBytes = Math.max(
    1,
    reads.reduce((sum, { fixed }) => sum + fixed, 0),
  )
  let decode = 0
  let prefill = 0
  for (const { device, blocks: own, output, fixed, cache } of reads) {
    const bytes = fixed + cache
    const speed = devices.find((candidate) => candidate.device === device)
    if (speed === undefined || bytes === 0) continue
    const { calibration } = speed
    if (calibration === undefined) {
      const repacking = options.gpus.length === 0 ? notRepacked(model, end) : 1
      decode += bytes / ((mixture ? speed.mixture : speed.dense)[end] * repacking) + speed.fixedMs[end === 0 ? 1 : 0] / 1000
      prefill += ((own / blocks) * perToken) / speed.prefillFlops[end]
      continue
    }
    const share: DeviceShare = { device, bytes: fixed / allBytes, blocks: own, output }
    const uncertain = Math.min(0.5, calibration.spread + modelError)
    const factor = (end === 0 ? 1 + uncertain : 1 - uncertain) / 1000
    decode += decodeMs(model, depth, calibration, share) * factor
    prefill += prefillMs(model, promptDepth, calibration, share) * factor
  }
  return { decode, prefill }
}

const sourceOrder: readonly SpeedSource[] = ['assumed', 'table', 'calibration']

/** The low end of decode reads a full context, the high end an empty one. */
export function predictSpeed(
  model: SizedModel,
  options: MemoryOptions,
  devices: readonly DeviceSpeed[],
  corrections: Corrections = {},
): SpeedEstimate {
  const full = secondsAt(model, options, devices, options.contextSize, 0)
  const empty = secondsAt(model, options, devices, 0, 1)
  const decode: Range = [1 / full.decode, 1 / empty.decode]
  const prefill: Range = [1 / full.prefill, 1 / empty.prefill]
  const place = layerRuns(model.geometry.layers.length, options)
  const used = devices.filter(
    ({ device }) => device === place.output || place.runs.some((run) => run.device === device && run.to > run.from),
  )
  const source = sourceOrder.find((candidate) => used.some((device) => device.source === candidate)) ?? 'table'
  const estimate: SpeedEstimate = { decode, prefill, ttftMs: firstTokenMs(decode, prefill), source }
  const told = source === 'calibration' ? { ...estimate, typical: typicalSpeed(model, options, devices) } : estimate
  const by = corrections[kindOf(runPlace(model.geometry.layers.length, options), model.geometry.experts !== null)]
  return by === undefined ? told : corrected(told, by, model, options, devices)
}

/** Each depth is corrected for itself: what a longer context costs is no uncertainty, and does not narrow. */
function corrected(
  estimate: SpeedEstimate,
  by: NonNullable<Corrections[keyof Corrections]>,
  model: SizedModel,
  options: MemoryOptions,
  devices: readonly DeviceSpeed[],
): SpeedEstimate {
  const full = speedAt(model, options, devices, options.contextSize)
  const empty = speedAt(model, options, devices, 0)
  const decode: Range = [correctRange(full.decode, by.decode)[0], correctRange(empty.decode, by.decode)[1]]
  const prefill = correctRange(estimate.prefill, by.prefill)
  const { typical } = estimate
  return {
    ...estimate,
    decode,
    prefill,
    ttftMs: firstTokenMs(decode, prefill),
    learnedFrom: by.decode.models,
    ...(typical && { typical: { decode: typical.decode * by.decode.factor, prefill: typical.prefill * (by.prefill?.factor ?? 1) } }),
  }
}

const usualDepth = 256

/** One figure each, between the ends. */
function typicalSpeed(
  model: SizedModel,
  options: MemoryOptions,
  devices: readonly DeviceSpeed[],
  depth = usualDepth,
  promptDepth = usualPromptDepth,
): { decode: number; prefill: number } {
  const seconds = (end: 0 | 1) => secondsAt(model, options, devices, depth, end, promptDepth)
  const [low, high] = [seconds(0), seconds(1)]
  return { decode: 2 / (low.decode + high.decode), prefill: 2 / (low.prefill + high.prefill) }
}

/** The speed of one reply, with so many tokens before each token of the prompt and of the answer in the mean; corrected by what other models reached here. */
export function replySpeed(
  model: SizedModel,
  options: MemoryOptions,
  devices: readonly DeviceSpeed[],
  { depth, promptDepth }: { depth: number; promptDepth: number },
  corrections: Corrections = {},
): { decode: number; prefill: number } {
  const typical = typicalSpeed(model, options, devices, depth, promptDepth)
  const by = corrections[kindOf(runPlace(model.geometry.layers.length, options), model.geometry.experts !== null)]
  return { decode: typical.decode * (by?.decode.factor ?? 1), prefill: typical.prefill * (by?.prefill?.factor ?? 1) }
}

/** CPU kernels for layouts that are not repacked are slower: 5.7–20 GB/s at one thread, Q4_K fastest (facts: engine.md §4, [M3]). */
function notRepacked(model: SizedModel, end: 0 | 1): number {
  const share = Math.min(1, model.weights.repackableBytes / Math.max(1, model.weights.totalBytes - model.weights.tokenEmbeddingBytes))
  const slowest = end === 0 ? 0.5 : 0.8
  return slowest + (1 - slowest) * share
}

/** Time to the first token of a prompt = prompt ÷ prefill + 1 ÷ decode, the model being loaded. */
export function firstTokenMs(decode: Range, prefill: Range, promptTokens = usualPrompt): Range {
  return [(promptTokens / prefill[1] + 1 / decode[1]) * 1000, (promptTokens / prefill[0] + 1 / decode[0]) * 1000]
}

/** Measured here wins over every prediction: one number, no range. */
export function withMeasured(predicted: SpeedEstimate, measured: { decode?: number; prefill?: number }): SpeedEstimate {
  const decode: Range = measured.decode === undefined ? predicted.decode : [measured.decode, measured.decode]
  const prefill: Range = measured.prefill === undefined ? predicted.prefill : [measured.prefill, measured.prefill]
  if (measured.decode === undefined && measured.prefill === undefined) return predicted
  return { decode, prefill, ttftMs: firstTokenMs(decode, prefill), source: 'measured' }
}

/** Active parameters without the input embedding, by the share of bytes: rows of `token_embd` cost no operations. */
function activeBlockParameters(model: SizedModel): number {
  const embedding = model.geometry.vocabularySize * model.geometry.embeddingLength
  const rest = model.activeParameters - embedding
  return rest > 0 ? rest : model.activeParameters
}
