import { MiB } from '@shared/domain/units'
import { expect, test } from 'vitest'
import { hostWeights } from './mappedSpan'

/** Embedding 10, then blocks of attention 3 and experts 20 each, then output 8. */
function file(blocks: number, copied = /^$/, growth = 1) {
  const sizes: [string, number][] = [['token_embd.weight', 10]]
  for (let block = 0; block < blocks; block++) sizes.push([`blk.${block}.attn_q.weight`, 3], [`blk.${block}.ffn_up_exps.weight`, 20])
  sizes.push(['output.weight', 8])
  let offset = 4 * MiB
  return sizes.map(([name, size]) => {
    const copyBytes = copied.test(name) ? size * MiB * growth : 0
    const tensor = { name, bytes: size * MiB, offset, copyBytes: name.startsWith('token') ? 0 : copyBytes, outputCopyBytes: copyBytes }
    offset += tensor.bytes
    return tensor
  })
}

test('what the card takes whole lies behind the span', () => {
  expect(hostWeights(file(4), 4, 3, false, (2 * 23 + 8) * MiB)).toEqual({ spanBytes: (10 + 2 * 23) * MiB, repackBytes: 0, movedBytes: 0 })
  expect(hostWeights(file(4), 4, 5, false, (4 * 23 + 8) * MiB)).toEqual({ spanBytes: 10 * MiB, repackBytes: 0, movedBytes: 0 })
})

test('matrices that the card refuses stretch it over what it took', () => {
  expect(hostWeights(file(4), 4, 3, false, (2 * 3 + 8) * MiB)).toEqual({ spanBytes: (10 + 4 * 23) * MiB, repackBytes: 0, movedBytes: 0 })
})

test('a tied embedding that does not go to the card adds nothing', () => {
  const tensors = file(4).filter(({ name }) => name !== 'output.weight')
  expect(hostWeights(tensors, 4, 3, true, 2 * 23 * MiB)).toEqual({ spanBytes: (10 + 2 * 23) * MiB, repackBytes: 0, movedBytes: 0 })
})

test('bytes that no set of the largest explains change nothing', () => {
  expect(hostWeights(file(4), 4, 3, false, (2 * 23 + 8 - 7) * MiB)).toEqual({
    spanBytes: (10 + 2 * 23) * MiB,
    repackBytes: 0,
    movedBytes: 0,
  })
})

test('what is repacked is only what the card refuses, in every block; the rest of the file is mapped', () => {
  const experts = file(4, /exps/)
  // Without a refusal nothing is repacked, though the type would be.
  expect(hostWeights(experts, 4, 3, false, (2 * 23 + 8) * MiB)).toEqual({ spanBytes: (10 + 2 * 23) * MiB, repackBytes: 0, movedBytes: 0 })
  // Refused: all four blocks' experts. Mapped is then from the embedding to the last matrix of attention that stays here (block 1).
  expect(hostWeights(experts, 4, 3, false, (2 * 3 + 8) * MiB)).toEqual({
    spanBytes: (10 + 23 + 3) * MiB,
    repackBytes: 4 * 20 * MiB,
    movedBytes: 4 * 20 * MiB,
  })
})

test('a refused matrix of another type is mapped, also beside one that is repacked', () => {
  const mixed = file(4, /blk\.[012]\.ffn_up_exps/)
  expect(hostWeights(mixed, 4, 3, false, (2 * 3 + 8) * MiB)).toEqual({
    spanBytes: (10 + 4 * 23) * MiB,
    repackBytes: 3 * 20 * MiB,
    movedBytes: 3 * 20 * MiB,
  })
})

test('a tied embedding that the card refuses is copied for the output, and stays mapped for the input', () => {
  const tensors = file(1, /token/, 1.5).filter(({ name }) => name !== 'output.weight')
  expect(hostWeights(tensors, 1, 2, true, 3 * MiB)).toEqual({ spanBytes: (10 + 3 + 20) * MiB, repackBytes: 15 * MiB, movedBytes: 0 })
})
