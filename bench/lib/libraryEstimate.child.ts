import { getLlama, GgmlType, GgufInsights, LlamaLogLevel, readGgufFileInfo } from 'node-llama-cpp'

/** node-llama-cpp's own two estimates, in a process that a simulation may end. */
export interface LibraryQuestion {
  path: string
  backend: 'cpu' | 'vulkan' | 'cuda' | 'metal'
  gpuLayers: number | 'max'
  contextSize: number
  batchSize: number
  kvCacheType: 'f16' | 'q8_0' | 'q4_0'
  flashAttention: boolean
  useMmap: boolean
}
/** Bytes of model and context together. */
export interface LibraryAnswer {
  v1: { cpu: number; gpu: number }
  v2: { cpu: number; gpu: number }
}

const types = { f16: GgmlType.F16, q8_0: GgmlType.Q8_0, q4_0: GgmlType.Q4_0 }

async function answer(question: LibraryQuestion): Promise<LibraryAnswer> {
  const llama = await getLlama({
    gpu: question.backend === 'cpu' ? false : question.backend,
    build: 'never',
    skipDownload: true,
    logLevel: LlamaLogLevel.disabled,
  })
  const insights = await GgufInsights.from(await readGgufFileInfo(question.path, { sourceType: 'filesystem', logWarnings: false }), llama)
  const gpuLayers = question.gpuLayers === 'max' ? insights.totalLayers : question.gpuLayers
  const model = { gpuLayers, useMmap: question.useMmap }
  const context = {
    contextSize: question.contextSize,
    modelGpuLayers: gpuLayers,
    batchSize: question.batchSize,
    sequences: 1,
    flashAttention: question.flashAttention,
    kvCacheKeyType: types[question.kvCacheType],
    kvCacheValueType: types[question.kvCacheType],
  }
  const sum = (one: { cpuRam: number; gpuVram: number }, other: { cpuRam: number; gpuVram: number }) => ({
    cpu: one.cpuRam + other.cpuRam,
    gpu: one.gpuVram + other.gpuVram,
  })
  return {
    v1: sum(insights.estimateModelResourceRequirements(model), insights.estimateContextResourceRequirements(context)),
    v2: sum(
      await insights.estimateModelResourceRequirementsV2(model),
      await insights.estimateContextResourceRequirementsV2({ ...context, useMmap: question.useMmap }),
    ),
  }
}

process.once('message', (question: LibraryQuestion) => {
  answer(question).then(
    (value) => process.send?.({ value }, () => process.exit(0)),
    (error: unknown) => process.send?.({ error: String(error) }, () => process.exit(1)),
  )
})
