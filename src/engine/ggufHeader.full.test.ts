import { expect, test } from 'vitest'
import { readHeaderFromBytes } from './ggufHeader'
import { mutate, tryBytes } from './ggufMutations'
import { encodeGguf } from './ggufWriter'
import { scriptedContent } from './scriptedModel'

/** Of this process: beside other programs the clock on the wall would measure them. */
function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

test('100,000 damaged headers', () => {
  const { metadata, tensors } = scriptedContent({ thinking: false })
  // Shapes without their bytes would be refused by size alone, so tensors shrink to a few rows.
  const small = encodeGguf({
    metadata,
    tensors: tensors.slice(0, 6).map((t) => ({ name: t.name, type: 'F32', dims: t.dims.map((_, i) => (i === 0 ? 32 : 2)) })),
  })
  const before = process.memoryUsage().rss
  let slowest = 0
  for (let seed = 1; seed <= 100_000; seed++) {
    const bytes = mutate(small, seed * 31)
    const start = processorMs()
    tryBytes(bytes)
    slowest = Math.max(slowest, processorMs() - start)
  }
  expect(slowest).toBeLessThan(1000)
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 ** 2)
}, 600_000)

test('the most expensive header that the limits allow costs under 1 s and 200 MB above its bytes', () => {
  const entry = (key: string, count: number) => {
    const body = Buffer.alloc(8 + key.length + 16 + count * 8)
    body.writeBigUInt64LE(BigInt(key.length))
    body.write(key, 8)
    body.writeUInt32LE(9, 8 + key.length)
    body.writeUInt32LE(8, 12 + key.length)
    body.writeBigUInt64LE(BigInt(count), 16 + key.length)
    return body
  }
  const head = Buffer.alloc(24)
  head.write('GGUF')
  head.writeUInt32LE(3, 4)
  head.writeBigUInt64LE(7n, 16)
  const file = Buffer.concat([head, ...Array.from({ length: 7 }, (_, i) => entry(`list${i}`, 1024 * 1024))])
  const before = process.memoryUsage().rss
  const start = processorMs()
  const header = readHeaderFromBytes(file)
  expect(processorMs() - start).toBeLessThan(1000)
  expect(header.metadata.size).toBe(7)
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 ** 2)
})
