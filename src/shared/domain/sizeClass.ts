export type SizeClassId = 'light' | 'medium' | 'heavy'

/** Whether the size lies inside the named range (1–7B, 14–32B, 70B+) or between two of them, and what hardware it needs. */
export interface SizeClassInfo {
  id: SizeClassId
  between: boolean
  /** Named range in billions; null is open. Words in i18n under `sizeClass.<id>`. */
  named: readonly [low: number, high: number | null]
  hardware: 'personal-computer' | 'strong-graphics-card' | 'server'
  /** For sizes between classes: what they need. */
  needs: 'personal-computer' | 'mid-graphics-card' | 'strong-graphics-card' | 'large-graphics-card' | 'several-cards' | 'server'
  /** A mixture is classed by its resident size; this is its active size in billions, else null. */
  activeBillions: number | null
  residentBillions: number
}

const classes: readonly { id: SizeClassId; upTo: number; named: readonly [number, number | null]; hardware: SizeClassInfo['hardware'] }[] =
  [
    { id: 'light', upTo: 9.99, named: [1, 7], hardware: 'personal-computer' },
    { id: 'medium', upTo: 36, named: [14, 32], hardware: 'strong-graphics-card' },
    { id: 'heavy', upTo: Number.POSITIVE_INFINITY, named: [70, null], hardware: 'server' },
  ]

/**
 * Classes of the field guide (1–7B, 14–32B, 70B+), widened to be contiguous: light up to 9B, medium 10–35B, heavy above.
 * Bounds are compared as models are named: 7.6B is sold as 7B, 9.7B as 9B, 32.8B as 32B, 35.9B as 35B; and what is just short of a bound
 * as that: 13.9B as 14B.
 */
export function sizeClass(parameters: number, activeParameters = parameters): SizeClassInfo {
  const billions = parameters / 1e9
  const found = classes.find((entry) => billions < entry.upTo) ?? {
    id: 'heavy' as const,
    named: [70, null] as const,
    hardware: 'server' as const,
  }
  const [low, high] = found.named
  const inside = Math.round(billions) >= low && (high === null || Math.floor(billions) <= high)
  return {
    id: found.id,
    between: !inside && billions >= 1,
    named: found.named,
    hardware: found.hardware,
    needs: needsOf(billions),
    activeBillions: activeParameters < parameters ? activeParameters / 1e9 : null,
    residentBillions: billions,
  }
}

/** By memory at 4 bits (0.61 bytes a parameter, facts of real files) plus 8K of context. */
function needsOf(billions: number): SizeClassInfo['needs'] {
  if (billions < 8) return 'personal-computer'
  if (billions < 13.5) return 'mid-graphics-card'
  if (billions < 33) return 'strong-graphics-card'
  if (billions < 50) return 'large-graphics-card'
  if (billions < 69.5) return 'several-cards'
  return 'server'
}
