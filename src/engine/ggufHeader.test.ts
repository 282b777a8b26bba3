import { SnugError } from '@shared/errors'
import { expect, test } from 'vitest'
import { headerLimits, readHeader, readHeaderFromBytes, readHeaderStart } from './ggufHeader'
import { mutate, tryBytes } from './ggufMutations'
import { controlTokensOf, tokenizerOf } from './ggufTokenizer'
import { GgufArray } from './ggufValues'
import { encodeGguf, encodeHeader, f32, type GgufContent, numbers, text, texts, u32, type WriteValue } from './ggufWriter'

const small: GgufContent = {
  metadata: [
    ['general.architecture', text('llama')],
    ['general.name', text('名字 🙂')],
    ['llama.block_count', u32(1)],
    ['llama.context_length', u32(2048)],
    ['llama.embedding_length', u32(32)],
    ['llama.attention.head_count', u32(2)],
    ['tokenizer.ggml.tokens', texts(['<unk>', '<s>', '', 'ab', '<|im_end|>', '<think>'])],
    ['tokenizer.ggml.token_type', numbers('i32', [2, 3, 1, 1, 1, 4])],
    ['tokenizer.ggml.scores', numbers('f32', [0, 0.5, -1, 2, 3, 4])],
    ['tokenizer.ggml.bos_token_id', u32(1)],
    ['a.u64', { type: 'u64', value: 2n ** 60n }],
    ['a.i64', { type: 'i64', value: -5 }],
    ['a.i8', { type: 'i8', value: -3 }],
    ['a.f64', { type: 'f64', value: 0.1 }],
    ['a.bool', { type: 'bool', value: true }],
    ['a.f32', f32(0.5)],
    ['__proto__.polluted', text('yes')],
    ['__proto__', text('yes')],
  ],
  tensors: [
    { name: 'token_embd.weight', dims: [32, 6], type: 'Q8_0' },
    { name: 'blk.0.attn_q.weight', dims: [32, 32], type: 'F16', data: new Uint8Array(2048).fill(7) },
    { name: 'output_norm.weight', dims: [32], type: 'F32' },
  ],
}
const whole = encodeGguf(small)

/** Magic, version, counts and whatever follows. */
function raw(tensors: bigint, keys: bigint, rest: Buffer = Buffer.alloc(0), version = 3): Buffer {
  const head = Buffer.alloc(24)
  head.write('GGUF')
  head.writeUInt32LE(version, 4)
  head.writeBigUInt64LE(tensors, 8)
  head.writeBigUInt64LE(keys, 16)
  return Buffer.concat([head, rest])
}

function u64(value: bigint): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64LE(value)
  return buffer
}

function problem(bytes: Uint8Array): string {
  try {
    readHeaderFromBytes(bytes)
  } catch (error) {
    if (error instanceof SnugError) return `${error.code} ${String(error.data.problem)}`
    throw error
  }
  return 'accepted'
}

function withEntry(key: string, value: WriteValue): Buffer {
  return encodeGguf({ ...small, metadata: [...small.metadata, [key, value]] })
}

test('what is written is read again', () => {
  const header = readHeaderFromBytes(whole)
  expect(header.version).toBe(3)
  expect(header.metadata.get('general.name')).toBe('名字 🙂')
  expect(header.metadata.get('a.u64')).toBe(2n ** 60n)
  expect(header.metadata.get('a.i64')).toBe(-5)
  expect(header.metadata.get('a.i8')).toBe(-3)
  expect(header.metadata.get('a.f64')).toBe(0.1)
  expect(header.metadata.get('a.bool')).toBe(true)
  const scores = header.metadata.get('tokenizer.ggml.scores')
  expect(scores instanceof GgufArray && scores.numbers()).toEqual([0, 0.5, -1, 2, 3, 4])
  const tokens = header.metadata.get('tokenizer.ggml.tokens')
  expect(tokens instanceof GgufArray && tokens.strings()).toEqual(['<unk>', '<s>', '', 'ab', '<|im_end|>', '<think>'])
  expect(header.tensors.map(({ name, type, bytes, elements }) => [name, type, bytes, elements])).toEqual([
    ['token_embd.weight', 'Q8_0', 6 * 34, 192],
    ['blk.0.attn_q.weight', 'F16', 2048, 1024],
    ['output_norm.weight', 'F32', 128, 32],
  ])
  const second = header.tensors[1]
  expect(second && [whole[second.offset - 1], whole[second.offset], whole[second.offset + 2047], whole[second.offset + 2048]]).toEqual([
    0, 7, 7, 0,
  ])
  expect(header.fileSize).toBe(whole.length)
})

test('a key such as __proto__ stays a key', () => {
  const header = readHeaderFromBytes(whole)
  expect(header.metadata.get('__proto__')).toBe('yes')
  expect(Object.prototype).not.toHaveProperty('polluted')
})

test('tokens: type, spelling and what is special', () => {
  const header = readHeaderFromBytes(whole)
  expect(tokenizerOf(header)).toMatchObject({ bos: '<s>', eos: null, tokens: 6, merges: 0, addBos: null })
  expect(controlTokensOf(header)).toEqual(['<|im_end|>', '<think>', '<unk>', '<s>'])
})

test('a header is read in parts, only as far as it reaches', async () => {
  const big = encodeHeader({
    ...small,
    metadata: [...small.metadata, ['big', texts(Array.from({ length: 90_000 }, (_, i) => `token ${i}`))]],
  })
  const fileSize = 10 * 1024 ** 3
  const reads: [number, number][] = []
  const header = await readHeader({
    size: fileSize,
    read(offset, length) {
      reads.push([offset, length])
      const part = new Uint8Array(length)
      part.set(big.header.subarray(offset, offset + length))
      return Promise.resolve(part)
    },
  })
  expect(header.dataOffset).toBe(big.header.length)
  expect(header.tensors).toHaveLength(3)
  const last = reads[reads.length - 1] ?? [0, 0]
  expect(last[0] + last[1]).toBeLessThan(2 * big.header.length)
})

test('the files that hang the library: refused at once', () => {
  const key = Buffer.concat([u64(1n), Buffer.from('k')])
  const list = (type: number, length: bigint) => Buffer.concat([key, Buffer.from([9, 0, 0, 0, type, 0, 0, 0]), u64(length)])
  const tensor = (dims: number) => Buffer.concat([u64(1n), Buffer.from('t'), Buffer.from(Uint32Array.of(dims).buffer)])
  const nested = Buffer.concat([
    key,
    Buffer.from([9, 0, 0, 0]),
    ...Array.from({ length: 50_000 }, () => Buffer.concat([Buffer.from([9, 0, 0, 0]), u64(1n)])),
  ])
  const cases: [Buffer, string][] = [
    [raw(0n, 2n ** 40n), 'model/corrupt-file impossible-count'],
    [raw(2n ** 40n, 0n), 'model/corrupt-file impossible-count'],
    [raw(2n ** 64n - 1n, 2n ** 64n - 1n), 'model/corrupt-file impossible-count'],
    [raw(0n, 1n, list(4, 2n ** 40n)), 'model/corrupt-file impossible-length'],
    [raw(0n, 1n, list(8, 2n ** 61n)), 'model/corrupt-file impossible-length'],
    [raw(1n, 0n, tensor(0xffffffff)), 'model/corrupt-file dimensions'],
    [raw(0n, 1n, Buffer.concat([key, Buffer.from([8, 0, 0, 0]), u64(2n ** 30n)])), 'model/corrupt-file impossible-length'],
    [raw(0n, 1n, nested), 'model/corrupt-file nested-array'],
    [raw(0n, 1n, Buffer.concat([u64(0n), Buffer.from([4, 0, 0, 0, 1, 0, 0, 0])])), 'model/corrupt-file empty-key'],
    [Buffer.from('GGUF'), 'model/corrupt-file cut-short'],
    [Buffer.from('GGU'), 'model/corrupt-file not-gguf'],
    [Buffer.alloc(0), 'model/corrupt-file not-gguf'],
    [Buffer.alloc(100_000), 'model/corrupt-file not-gguf'],
    [raw(0n, 0n, Buffer.alloc(0), 1), 'model/unsupported version'],
    [raw(0n, 0n, Buffer.alloc(0), 4), 'model/unsupported version'],
    [raw(0n, 0n, Buffer.alloc(0), 0x03000000), 'model/unsupported big-endian'],
  ]
  for (const [bytes, expected] of cases) {
    const start = performance.now()
    expect(problem(bytes)).toBe(expected)
    expect(performance.now() - start).toBeLessThan(100)
  }
})

test('alignment, keys, types and places are checked', () => {
  expect(problem(withEntry('general.alignment', u32(0)))).toBe('model/corrupt-file alignment')
  expect(problem(withEntry('general.alignment', u32(48)))).toBe('model/corrupt-file alignment')
  expect(problem(withEntry('general.alignment', text('32')))).toBe('model/corrupt-file alignment')
  expect(problem(withEntry('general.name', text('again')))).toBe('model/corrupt-file duplicate-key')
  expect(problem(encodeGguf({ ...small, tensors: [...small.tensors, ...small.tensors.slice(0, 1)] }))).toBe(
    'model/corrupt-file duplicate-tensor',
  )
  expect(readHeaderFromBytes(encodeGguf({ ...small, alignment: 256 })).dataOffset % 256).toBe(0)

  const damaged = (find: Buffer, shift: number, write: (b: Buffer, at: number) => void) => {
    const copy = Buffer.from(whole)
    write(copy, copy.indexOf(find) + shift)
    return copy
  }
  const name = Buffer.from('blk.0.attn_q.weight')
  // Name, then u32 dims, two u64 dims, u32 type, u64 offset.
  const dims = name.length + 4
  expect(problem(damaged(name, dims + 20, (b, at) => b.writeBigUInt64LE(0n, at)))).toBe('model/corrupt-file tensor-place')
  expect(problem(damaged(name, dims + 20, (b, at) => b.writeBigUInt64LE(1024n, at)))).toBe('model/corrupt-file tensor-place')
  expect(problem(damaged(name, dims + 20, (b, at) => b.writeBigUInt64LE(2n ** 63n, at)))).toBe('model/corrupt-file cut-short')
  expect(problem(damaged(name, dims, (b, at) => b.writeBigUInt64LE(2n ** 40n, at)))).toBe('model/corrupt-file cut-short')
  expect(problem(damaged(name, dims, (b, at) => b.writeBigUInt64LE(2n ** 62n, at)))).toBe('model/corrupt-file tensor-size')
  expect(problem(damaged(name, dims + 16, (b, at) => b.writeUInt32LE(4, at)))).toBe('model/unsupported tensor-type')
  expect(problem(damaged(Buffer.from('token_embd.weight'), 17 + 4, (b, at) => b.writeBigUInt64LE(31n, at)))).toBe(
    'model/corrupt-file tensor-size',
  )
})

test('limits hold where the file is as large as it claims', () => {
  expect(problem(withEntry('k'.repeat(headerLimits.keyBytes + 1), u32(1)))).toBe('model/unsupported too-long')
  expect(
    problem(
      withEntry(
        'k',
        numbers(
          'u8',
          Array.from({ length: headerLimits.arrayElements + 1 }, () => 1),
        ),
      ),
    ),
  ).toBe('model/unsupported too-long')
  expect(
    problem(
      withEntry(
        'k',
        numbers(
          'u8',
          Array.from({ length: headerLimits.arrayElements }, () => 1),
        ),
      ),
    ),
  ).toBe('accepted')
  expect(problem(encodeGguf({ ...small, tensors: [{ name: 't'.repeat(64), dims: [32], type: 'F32' }] }))).toBe('model/unsupported too-long')
  expect(problem(encodeGguf({ metadata: Array.from({ length: headerLimits.keys + 1 }, (_, i) => [`k${i}`, u32(i)]), tensors: [] }))).toBe(
    'model/unsupported too-many',
  )
})

test('cut at every byte: refused up to the last byte of the last tensor', () => {
  expect(tryBytes(whole)).toBe('accepted')
  for (let length = 0; length < whole.length; length++) expect(tryBytes(whole.subarray(0, length))).not.toBe('accepted')
})

test('5,000 damaged headers: each accepted or refused in words, quickly and in little memory', () => {
  const outcomes = new Map<string, number>()
  const before = process.memoryUsage().rss
  let slowest = 0
  for (let seed = 1; seed <= 5000; seed++) {
    const bytes = mutate(whole, seed)
    const start = performance.now()
    const outcome = tryBytes(bytes)
    slowest = Math.max(slowest, performance.now() - start)
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }
  expect(slowest).toBeLessThan(1000)
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 ** 2)
  // Of every kind some, or the damage would not be damage.
  expect(outcomes.size).toBeGreaterThan(12)
  expect(outcomes.get('accepted') ?? 0).toBeLessThan(4000)
})

test('the first bytes of a header tell that more are needed, never that the file is damaged', async () => {
  const { header } = encodeHeader(small)
  const source = { size: whole.length, read: (offset: number, length: number) => whole.subarray(offset, offset + length) }
  const expected = readHeaderFromBytes(whole)
  for (let known = 0; known < header.length; known++) {
    const start = await readHeaderStart(source, known)
    if (start.complete) throw new Error(`complete with ${known} of ${header.length} bytes`)
    expect(start.needsBytes).toBeGreaterThan(known)
    expect(start.needsBytes).toBeLessThanOrEqual(header.length)
    expect(start.likelyBytes).toBeGreaterThanOrEqual(start.needsBytes)
  }
  expect(await readHeaderStart(source, header.length)).toEqual({ complete: true, header: expected })
})

test('inside a long list the end is guessed from what was read of it', async () => {
  const words = Array.from({ length: 5_000 }, (_, index) => `word ${index}`)
  const bytes = encodeGguf({ metadata: [['tokenizer.ggml.tokens', texts(words)]], tensors: [] })
  const start = await readHeaderStart({ size: bytes.length, read: (at, length) => bytes.subarray(at, at + length) }, 20_000)
  if (start.complete) throw new Error('complete')
  expect(start.likelyBytes).toBeGreaterThan(bytes.length * 0.95)
  expect(start.likelyBytes).toBeLessThan(bytes.length * 1.05)
})
