import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { type ByteRange, addRange, clipTo, firstGap, prefixOf, totalOf } from './byteRanges'

it('adds up to what a set of bytes says', () => {
  const range = fc.tuple(fc.nat(60), fc.nat(60)).map(([a, b]): ByteRange => [Math.min(a, b), Math.max(a, b)])
  fc.assert(
    fc.property(fc.array(range, { maxLength: 12 }), fc.nat(70), (added, size) => {
      const bytes = new Set<number>()
      let ranges: ByteRange[] = []
      for (const [from, to] of added) {
        ranges = addRange(ranges, from, to)
        for (let at = from; at < to; at++) bytes.add(at)
      }
      expect(totalOf(ranges)).toBe(bytes.size)
      let prefix = 0
      while (bytes.has(prefix)) prefix++
      expect(prefixOf(ranges)).toBe(prefix)
      for (let index = 1; index < ranges.length; index++) expect(ranges[index]?.[0]).toBeGreaterThan(ranges[index - 1]?.[1] ?? 0)
      const gap = firstGap(ranges, size)
      if (prefix >= size) expect(gap).toBeNull()
      else {
        expect(gap?.[0]).toBe(prefix)
        for (let at = prefix; at < (gap?.[1] ?? 0); at++) expect(bytes.has(at)).toBe(false)
      }
      expect(totalOf(clipTo(ranges, size))).toBe([...bytes].filter((at) => at < size).length)
    }),
  )
})
