import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { ByteRange } from './byteRanges'
import { PartWriter } from './partWriter'
import { noHash } from './prefixHash'

const MiB = 1024 * 1024

it('lets the network wait for a disk that is behind, and no other', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'snug-writer-'))
  const handle = await open(join(folder, 'part'), 'w+')
  try {
    const syncs: (() => void)[] = []
    handle.datasync = () => new Promise<void>((done) => syncs.push(done))
    const durable: ByteRange[][] = []
    const bytes = Buffer.alloc(MiB, 7)
    // So short a file is synced after each MiB.
    const writer = new PartWriter(handle, noHash, 8 * MiB, [], async (ranges) => void durable.push(ranges))
    expect(writer.write(bytes, 0)).toBeUndefined()
    expect(syncs).toHaveLength(1)
    expect(writer.write(bytes, MiB)).toBeUndefined()
    const waiting = writer.write(bytes, 2 * MiB)
    expect(waiting).toBeInstanceOf(Promise)
    syncs.shift()?.()
    await waiting
    // What came meanwhile may not have been reached by that sync.
    expect(durable).toEqual([[[0, MiB]]])
    expect(writer.write(bytes, 3 * MiB)).toBeUndefined()
    expect(syncs).toHaveLength(1)
    const settled = writer.settle()
    syncs.shift()?.()
    await expect.poll(() => syncs.length).toBe(1)
    syncs.shift()?.()
    await settled
    expect(durable.at(-1)).toEqual([[0, 4 * MiB]])
    expect((await readFile(join(folder, 'part'))).equals(Buffer.alloc(4 * MiB, 7))).toBe(true)
  } finally {
    await handle.close()
    await rm(folder, { recursive: true })
  }
})

it('goes no further after a sync that failed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'snug-writer-'))
  const handle = await open(join(folder, 'part'), 'w+')
  try {
    handle.datasync = () => Promise.reject(new Error('the disk is gone'))
    const writer = new PartWriter(handle, noHash, 8 * MiB, [], async () => {})
    expect(writer.write(Buffer.alloc(MiB), 0)).toBeUndefined()
    await expect(writer.settle()).rejects.toThrow('the disk is gone')
    expect(() => writer.write(Buffer.alloc(MiB), MiB)).toThrow('the disk is gone')
  } finally {
    await handle.close()
    await rm(folder, { recursive: true })
  }
})
