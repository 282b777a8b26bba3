import { MiB } from '@shared/domain/units'
import { expect, test } from 'vitest'
import { mappedSpanBytes } from './mappedSpan'

/** Embedding 10, then blocks of attention 3 and experts 20 each, then output 8. */
function file(blocks: number) {
  const sizes: [string, number][] = [['token_embd.weight', 10]]
  for (let block = 0; block < blocks; block++) sizes.push([`blk.${block}.attn_q.weight`, 3], [`blk.${block}.ffn_up_exps.weight`, 20])
  sizes.push(['output.weight', 8])
  let offset = 4 * MiB
  return sizes.map(([name, size]) => {
    const tensor = { name, bytes: size * MiB, offset }
    offset += tensor.bytes
    return tensor
  })
}

test('what the card takes whole lies behind the span', () => {
  expect(mappedSpanBytes(file(4), 4, 3, false, (2 * 23 + 8) * MiB)).toBe((10 + 2 * 23) * MiB)
  expect(mappedSpanBytes(file(4), 4, 5, false, (4 * 23 + 8) * MiB)).toBe(10 * MiB)
})

test('matrices that the card refuses stretch it over what it took', () => {
  expect(mappedSpanBytes(file(4), 4, 3, false, (2 * 3 + 8) * MiB)).toBe((10 + 4 * 23) * MiB)
})

test('a tied embedding that does not go to the card adds nothing', () => {
  const tensors = file(4).filter(({ name }) => name !== 'output.weight')
  expect(mappedSpanBytes(tensors, 4, 3, true, 2 * 23 * MiB)).toBe((10 + 2 * 23) * MiB)
})

test('bytes that no set of the largest explains change nothing', () => {
  expect(mappedSpanBytes(file(4), 4, 3, false, (2 * 23 + 8 - 7) * MiB)).toBe((10 + 2 * 23) * MiB)
})
