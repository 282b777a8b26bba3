import { type Recommendation, type UseNeeds, slowBy, typical } from './recommend'
import type { SizeClassId } from './sizeClass'
import type { Bytes, Range } from './units'

interface Named {
  name: string
  quantization: string
}

/** Why none of some models can be recommended, and what could: the words are in i18n under `common.nothing`. */
export type NothingUsable =
  /** Among the others of the catalogue there is one. */
  | ({ kind: 'other-size'; size: SizeClassId } & Named)
  /** Some fit. `lowered`: what would have to be enough, for the one that misses least. */
  | ({ kind: 'too-slow'; decode: Range; ttftMs: Range; needs: UseNeeds; lowered: Pick<UseNeeds, 'decode' | 'firstTokenMs'> } & Named)
  /** None fits. `freeUp`: the one that other programs stand least in the way of. */
  | { kind: 'too-big'; contextSize: number; smallest: Named & { takesBytes: Bytes }; freeUp: (Named & { bytes: Bytes }) | null }

/** null where one of `items` can be recommended, or where there are none. A demonstration is no recommendation. */
export function nothingUsable(items: readonly Recommendation[], all: readonly Recommendation[] = items): NothingUsable | null {
  const real = items.filter(({ model }) => !model.demonstration)
  if (real.length === 0 || real.some(({ usable }) => usable)) return null
  const sizes = new Set(real.map(({ sizeClass }) => sizeClass.id))
  const other = all.find(({ model, usable, sizeClass }) => usable && !model.demonstration && !sizes.has(sizeClass.id))
  if (other !== undefined) return { kind: 'other-size', size: other.sizeClass.id, ...named(other) }
  const [nearest] = real.filter(({ best }) => best.verdict !== 'too-big').toSorted((a, b) => slowBy(a) - slowBy(b))
  if (nearest !== undefined) return tooSlow(nearest)
  const rows = real.flatMap((item) => item.alternatives.map((row) => ({ ...named(item, row.quantization), fit: row.fit })))
  const [smallest] = rows.toSorted((a, b) => a.fit.totalBytes - b.fit.totalBytes)
  if (smallest === undefined) return null
  const freeable = rows.flatMap(({ fit, ...name }) => (fit.freeUpBytes === null ? [] : [{ ...name, bytes: fit.freeUpBytes }]))
  const [freeUp = null] = freeable.toSorted((a, b) => a.bytes - b.bytes)
  const { fit, ...name } = smallest
  return { kind: 'too-big', contextSize: fit.plan.contextSize, smallest: { ...name, takesBytes: fit.totalBytes }, freeUp }
}

function named({ model, best }: Recommendation, quantization = best.quantization): Named {
  return { name: model.name, quantization }
}

/** Rounded to the side that passes. */
function tooSlow(item: Recommendation): NothingUsable {
  const { needs, best } = item
  const { decode, ttftMs } = best.fit.speed
  const down = (value: number): number => Math.floor(value * (value < 1 ? 100 : 10)) / (value < 1 ? 100 : 10)
  const up = (ms: number): number => Math.ceil(ms / 1_000) * 1_000
  const lowered = {
    decode: typical(decode) < needs.decode ? down(typical(decode)) : needs.decode,
    firstTokenMs: typical(ttftMs) > needs.firstTokenMs ? up(typical(ttftMs)) : needs.firstTokenMs,
  }
  return { kind: 'too-slow', ...named(item), decode, ttftMs, needs, lowered }
}
