import type { ModelFacts } from './gguf'

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

/** The system message that a model is best used with where a person wrote none; null for nearly all: then none is sent. */
export function recommendedSystem(facts: Pick<ModelFacts, 'architecture' | 'sizeBytes'> | null): string | null {
  return facts !== null && isStarterModel(facts) ? starterSystem : null
}
