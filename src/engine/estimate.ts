import { stat } from 'node:fs/promises'
import { backendContextBytes } from '@shared/domain/choosePlan'
import { layerStateBytes } from '@shared/domain/layerSums'
import { kvCacheBytes, layerCacheBytes } from '@shared/domain/kvCache'
import { processOverheadBytes } from '@shared/domain/memory'
import type { ModelFacts } from '@shared/domain/gguf'
import type { MemoryPart } from '@shared/domain/memory'
import type { EngineEstimate, EstimateRequest } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import { GgmlType, GgufInsights, readGgufFileInfo } from 'node-llama-cpp'
import { mergeParts } from './bufferLog'
import { cpuFeatures } from './cpuFeatures'
import { inspectFile, readHeaderOfFile } from './ggufFile'
import { copyBytes, outputCopyBytes } from './ggufWeights'
import type { LineKeeper, OpenLlama } from './llama'
import { type HostWeights, hostWeights } from './mappedSpan'

const elementType = { f16: GgmlType.F16, q8_0: GgmlType.Q8_0, q4_0: GgmlType.Q4_0 } as const

/**
 * llama.cpp's own no-allocation run on the header, with the terms it misses: the repacked copy of mapped weights, the output
 * buffer, and what the process itself takes. A configuration can end the process: only the expendable tools process calls this.
 */
export async function estimate(request: EstimateRequest, open: OpenLlama, lines: LineKeeper): Promise<EngineEstimate> {
  const flashAttention = request.flashAttention === 'auto' && request.kvCacheType !== 'f16' ? true : request.flashAttention
  if (request.kvCacheType !== 'f16' && flashAttention === false)
    throw new SnugError('fit/impossible', 'a quantized KV cache needs flash attention', { reason: 'kv-needs-flash-attention' })
  const { facts, insights } = await readFile(request.path, open)
  const onGpu = open.devices.length > 0
  const gpuLayers = !onGpu ? 0 : request.gpuLayers === 'max' ? insights.totalLayers : Math.min(request.gpuLayers, insights.totalLayers)
  lines.clear()
  const model = await insights.estimateModelResourceRequirementsV2({ gpuLayers, useMmap: request.useMmap })
  const context = await insights.estimateContextResourceRequirementsV2({
    contextSize: request.contextSize,
    modelGpuLayers: gpuLayers,
    batchSize: Math.min(request.batchSize, request.contextSize),
    sequences: 1,
    flashAttention,
    kvCacheKeyType: elementType[request.kvCacheType],
    kvCacheValueType: elementType[request.kvCacheType],
    useMmap: request.useMmap,
  })
  // The log crosses threads: give the warning a moment to arrive.
  await new Promise((resolve) => setTimeout(resolve, 20))
  if (lines.some(/Falling back to estimation heuristic/i))
    throw new SnugError('fit/impossible', 'llama.cpp cannot run this configuration', { reason: 'dry-run-failed', lines: lines.reasons() })

  const parts: MemoryPart[] = []
  const add = (device: MemoryPart['device'], kind: MemoryPart['kind'], bytes: number) => parts.push({ device, kind, bytes })
  // Nothing is repacked as soon as a graphics device is visible, even with no layer on it, unless the device refuses it (docs/accuracy.md).
  const repacks = / REPACK = 1/.test(open.llama.systemInfo)
  if (!onGpu) {
    const { repackableBytes, mappedBytesWhenRepacked, plainBytesWhenRepacked = model.cpuRam - repackableBytes } = facts.weights
    const repack = repacks ? repackableBytes : 0
    add('cpu', 'repack', repack)
    // llama.cpp's figure here is the file's, without the copies.
    add('cpu', 'weights', repack === 0 ? model.cpuRam : request.useMmap ? mappedBytesWhenRepacked : plainBytesWhenRepacked)
  } else {
    // Without a layer on it the card is still asked first: what it would take of the last one tells what it refuses.
    const asked = Math.max(1, gpuLayers)
    const taken = async () =>
      gpuLayers > 0 ? model : await insights.estimateModelResourceRequirementsV2({ gpuLayers: asked, useMmap: request.useMmap })
    const beside = facts.parts.length > 1 ? null : await hostWeightsOf(request.path, facts, asked, (await taken()).gpuVram)
    if (repacks) add('cpu', 'repack', beside?.repackBytes ?? 0)
    const plain = model.cpuRam - (repacks ? (beside?.movedBytes ?? 0) : 0)
    add('cpu', 'weights', Math.max(request.useMmap ? (beside?.spanBytes ?? 0) : 0, plain))
  }
  add('gpu0', 'weights', model.gpuVram)

  const cache = cacheByPlace(facts, request, gpuLayers)
  const total = { cpu: context.cpuRam, gpu0: context.gpuVram }
  for (const device of ['cpu', 'gpu0'] as const) {
    const kv = Math.min(cache[device].kv, total[device])
    const state = Math.min(cache[device].state, total[device] - kv)
    add(device, 'kv', kv)
    add(device, 'state', state)
    add(device, 'compute', total[device] - kv - state)
  }
  add('cpu', 'output', facts.geometry.vocabularySize * 4)
  add('cpu', 'overhead', processOverheadBytes(facts.tokenizer))
  // The same figure as in the formula: the two levels differ by what llama.cpp knows better, not by what neither knows.
  if (onGpu) add('gpu0', 'overhead', backendContextBytes[open.backend])
  return { level: 'dry-run', parts: mergeParts(parts) }
}

async function hostWeightsOf(path: string, facts: ModelFacts, gpuLayers: number, gpuBytes: number): Promise<HostWeights> {
  const { tensors } = await readHeaderOfFile(path)
  // Beside a card the build with AMX is taken for models with stacks as well (cpuBuild.ts is for the processor alone).
  const cpu = cpuFeatures()
  const placed = tensors.map((tensor) => ({ ...tensor, copyBytes: copyBytes(tensor, cpu), outputCopyBytes: outputCopyBytes(tensor, cpu) }))
  return hostWeights(placed, facts.geometry.layers.length, gpuLayers, facts.weights.outputIsTied, gpuBytes)
}

interface ReadFile {
  facts: ModelFacts
  insights: GgufInsights
}
/** Reading a header with its vocabulary takes up to seconds, and several contexts of one file are asked for in a row. */
const keptFiles = 3
const files = new Map<string, ReadFile>()

async function readFile(path: string, open: OpenLlama): Promise<ReadFile> {
  const facts = await inspectFile(path)
  const info = await stat(path)
  const key = [open.backend, path, info.size, info.mtimeMs].join('\n')
  const known = files.get(key)
  if (known) return known
  const header = await readGgufFileInfo(path, { sourceType: 'filesystem', logWarnings: false })
  const read = { facts, insights: await GgufInsights.from(header, open.llama) }
  for (const oldest of files.keys()) {
    if (files.size < keptFiles) break
    files.delete(oldest)
  }
  files.set(key, read)
  return read
}

/** The dry run gives one number for cache and compute: the cache's share is exact from the geometry, the rest is compute. */
function cacheByPlace(facts: ModelFacts, request: EstimateRequest, gpuLayers: number) {
  const { geometry } = facts
  const batch = Math.min(request.batchSize, request.contextSize)
  const places = { cpu: { kv: 0, state: 0 }, gpu0: { kv: 0, state: 0 } }
  if (gpuLayers === 0) places.cpu.kv = kvCacheBytes(geometry, request.contextSize, batch, request.kvCacheType)
  // Layer i is offloaded iff i >= layers + 1 - gpuLayers (llama-model.cpp).
  for (const [index, layer] of geometry.layers.entries()) {
    const place = index >= geometry.layers.length + 1 - gpuLayers ? places.gpu0 : places.cpu
    if (gpuLayers > 0) place.kv += layerCacheBytes(layer, geometry, request.contextSize, batch, request.kvCacheType)
    place.state += layerStateBytes(layer)
  }
  return places
}
