import { useCallback, useState } from 'react'

/** Messages drawn at first, and more at each wish: a thousand of them take seconds to draw. */
const windowSize = 100

/** How many of a branch stay undrawn, counted from its beginning: new messages at the end never take old ones away. */
export function useHidden(length: number): { hidden: number; reveal: (from: number) => void } {
  const [from, setFrom] = useState<number | null>(null)
  const first = Math.max(0, length - windowSize)
  if (from === null && length > 0) setFrom(first)
  const reveal = useCallback((wanted: number) => setFrom(Math.max(0, wanted - windowSize)), [])
  // another branch may be shorter
  return { hidden: Math.min(from ?? first, first), reveal }
}
