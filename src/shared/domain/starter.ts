import type { ModelFacts } from './gguf'
import type { RecommendedSampling } from './preset'

/** SmolLM2-135M-Instruct Q4_1 (98,362,432 bytes): proves that everything works, not how good models are. */
export function isStarterModel(facts: Pick<ModelFacts, 'architecture' | 'sizeBytes'>): boolean {
  return facts.architecture === 'llama' && facts.sizeBytes === 98_362_432
}

/**
 * Its template writes a system message of its own when there is none, and with that one this small quantization babbles ("L'Étoile, la
 * Marseillaise …" to the capital of France, on AVX2 at temperature 0); with this one it answers. A preset of the model, as others have a
 * recommended temperature: shown where the system message is, and replaced by whatever a person writes there.
 */
const starterSystem = 'You are a helpful assistant.'

/** The example on its maker's card (huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct) asks like this; at llama.cpp's own temperature it babbles. */
const starterSampling: RecommendedSampling = { temperature: 0.2, topP: 0.9 }

/** What the file itself recommends; of the starter, whose file says nothing, what its maker's card does. */
export function samplingOf(
  facts: (Pick<ModelFacts, 'architecture' | 'sizeBytes'> & { sampling?: RecommendedSampling | null }) | null,
): RecommendedSampling | null {
  if (facts === null) return null
  return facts.sampling ?? (isStarterModel(facts) ? starterSampling : null)
}

/** The system message that a model is best used with where a person wrote none; null for nearly all: then none is sent. */
export function recommendedSystem(facts: Pick<ModelFacts, 'architecture' | 'sizeBytes'> | null): string | null {
  return facts !== null && isStarterModel(facts) ? starterSystem : null
}
