import { open } from 'node:fs/promises'
import type { GgufHeader } from './ggufHeader'
import { scalarBytes, valueTypeById } from './ggufTypes'
import type { WriteValue } from './ggufWriter'

/** The metadata of a checked header as it lies there: read numbers have lost their types, and llama.cpp asks for them by type. */
export async function readEntries(path: string, header: GgufHeader): Promise<[key: string, value: WriteValue][]> {
  const bytes = await firstBytes(path, header.dataOffset)
  let at = 24
  const count = Number(bytes.readBigUInt64LE(16))
  const length = (): number => {
    const value = Number(bytes.readBigUInt64LE(at))
    at += 8
    return value
  }
  const skip = (type: ReturnType<typeof valueTypeById>): void => {
    if (type === 'string') {
      const size = length()
      at += size
    } else if (type !== null && type !== 'array') at += scalarBytes[type]
  }
  const entries: [string, WriteValue][] = []
  for (let index = 0; index < count; index++) {
    const size = length()
    const key = bytes.toString('utf8', at, at + size)
    at += size
    const from = at
    const type = valueTypeById(bytes.readUInt32LE(at))
    at += 4
    if (type === 'array') {
      const of = valueTypeById(bytes.readUInt32LE(at))
      at += 4
      const items = length()
      if (of !== null && of !== 'string' && of !== 'array') at += items * scalarBytes[of]
      else for (let item = 0; item < items; item++) skip(of)
    } else skip(type)
    entries.push([key, { type: 'encoded', bytes: bytes.subarray(from, at) }])
  }
  return entries
}

/** Of a file whose header was checked; throws where it became shorter since. */
export async function firstBytes(path: string, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  const handle = await open(path, 'r')
  try {
    for (let done = 0; done < length; ) {
      const { bytesRead } = await handle.read(buffer, done, length - done, done)
      if (bytesRead === 0) throw new RangeError(`${path} became shorter`)
      done += bytesRead
    }
    return buffer
  } finally {
    await handle.close()
  }
}
