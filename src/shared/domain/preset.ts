import type { Sampling } from './chat'
import type { KvCacheType } from './gguf'

/** How one model is loaded; null is automatic. */
export interface LoadPreset {
  contextSize: number | null
  gpuLayers: number | 'max' | null
  kvCacheType: KvCacheType | null
  /** Processor threads at most. */
  threads: number | null
}

/** How one model writes; null: what its maker recommends, or llama.cpp's default. A chat's own values win. */
export type SamplingPreset = Omit<Sampling, 'seed'>

/** What a person keeps for one model. */
export interface ModelPreset {
  load: LoadPreset
  sampling: SamplingPreset
}

export interface SamplingValues {
  temperature?: number
  topP?: number
  topK?: number
  minP?: number
}

export interface RecommendedSampling extends SamplingValues {
  /** Instead of the others, whole, while the model thinks first. */
  thinking?: SamplingValues
}

export function samplingFor(recommended: RecommendedSampling | null | undefined, thinks: boolean): SamplingValues | null {
  return (thinks ? recommended?.thinking : undefined) ?? recommended ?? null
}

export const automaticPreset: ModelPreset = {
  load: { contextSize: null, gpuLayers: null, kvCacheType: null, threads: null },
  sampling: { temperature: null, topP: null, topK: null, minP: null, repeatPenalty: null },
}

/** Only the values that are being changed: two fields that are left one after the other must not undo each other. */
export interface PresetChange {
  load?: { [K in keyof LoadPreset]?: LoadPreset[K] | undefined }
  sampling?: { [K in keyof SamplingPreset]?: SamplingPreset[K] | undefined }
}

export function changedPreset({ load, sampling }: ModelPreset, change: PresetChange): ModelPreset {
  const given = <T extends object>(values: T | undefined) =>
    Object.fromEntries(Object.entries(values ?? {}).filter(([, value]) => value !== undefined)) as Partial<T>
  return { load: { ...load, ...given(change.load) }, sampling: { ...sampling, ...given(change.sampling) } }
}

export function isAutomatic({ load, sampling }: ModelPreset): boolean {
  return [...Object.values(load), ...Object.values(sampling)].every((value) => value === null)
}

/** The file's own header wins over the catalogue, whole: values of two sources were never meant together. */
export function recommendedSampling(
  file: RecommendedSampling | null | undefined,
  catalogue: RecommendedSampling | null | undefined,
): { values: RecommendedSampling; from: 'file' | 'catalogue' } | null {
  const says = (values: RecommendedSampling | null | undefined): values is RecommendedSampling =>
    values != null && Object.values(values).some((value) => value !== undefined)
  if (says(file)) return { values: file, from: 'file' }
  return says(catalogue) ? { values: catalogue, from: 'catalogue' } : null
}

/** The chat's value, else the preset's, else the maker's; null is llama.cpp's own. */
export function effectiveSampling(
  chat: Sampling,
  preset: SamplingPreset | null | undefined,
  maker: SamplingValues | null | undefined,
): Sampling {
  return {
    temperature: chat.temperature ?? preset?.temperature ?? maker?.temperature ?? null,
    topP: chat.topP ?? preset?.topP ?? maker?.topP ?? null,
    topK: chat.topK ?? preset?.topK ?? maker?.topK ?? null,
    minP: chat.minP ?? preset?.minP ?? maker?.minP ?? null,
    repeatPenalty: chat.repeatPenalty ?? preset?.repeatPenalty ?? null,
    seed: chat.seed,
  }
}
