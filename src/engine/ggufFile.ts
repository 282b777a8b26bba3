import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { ModelFacts } from '@shared/domain/gguf'
import { MiB } from '@shared/domain/units'
import type { HeaderCheck } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import { cpuFeatures } from './cpuFeatures'
import { factsFromHeader } from './ggufFacts'
import { type ByteSource, corrupt, type GgufHeader, headerLimits, readHeader, readHeaderStart, unsupported } from './ggufHeader'
import { countOf } from './ggufRead'

const maxParts = 999
const splitName = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i

/** What a model file says about itself, all of its parts checked. Never follows a name out of the file's own folder. */
export async function inspectFile(path: string): Promise<ModelFacts> {
  const header = await readHeaderOfFile(path)
  const partCount = countOf(header, 'split.count') ?? 1
  const cpu = cpuFeatures()
  if (partCount <= 1) return withPath(path, () => factsFromHeader(header, { parts: [{ name: basename(path), header }], cpu }))
  const parts = await readParts(path, partCount)
  const first = parts[0]?.header ?? header
  return withPath(path, () => factsFromHeader(first, { parts, cpu }))
}

/** The path that llama.cpp must be given: the first part of a split file, the file itself otherwise. */
export function firstPartOf(path: string): string {
  const name = splitName.exec(basename(path))
  return name && Number(name[3]) > 1 ? join(dirname(path), partName(name[1] ?? '', 1, Number(name[3]), basename(path))) : path
}

/** Opens without waiting (a pipe would block for ever), takes regular files only, reads the header, closes. */
export function readHeaderOfFile(path: string): Promise<GgufHeader> {
  return withSource(path, (source) => readHeader(source))
}

/** Whether the bytes that lie at `path`, the first of a file of `size` bytes, hold its whole header; the hash is of the header alone. */
export function checkHeaderStart(path: string, size: number): Promise<HeaderCheck> {
  return withSource(path, async (source) => {
    const start = await readHeaderStart({ size, read: source.read }, Math.min(source.size, size))
    if (!start.complete) return start
    const { header } = start
    // Padding can push the data anywhere; whoever fetches a header must not follow it there.
    if (header.dataOffset > headerLimits.headerBytes) throw unsupported('header-too-large', 'its header is larger than 64 MiB', { path })
    const sha256 = createHash('sha256')
    for (let at = 0; at < header.dataOffset; ) {
      const part = await source.read(at, Math.min(MiB, header.dataOffset - at))
      if (part.byteLength === 0) break
      sha256.update(part)
      at += part.byteLength
    }
    return {
      complete: true,
      headerBytes: header.dataOffset,
      sha256: sha256.digest('hex'),
      splitCount: countOf(header, 'split.count') ?? 1,
      splitNumber: (countOf(header, 'split.no') ?? 0) + 1,
    }
  })
}

async function withSource<T>(path: string, work: (source: ByteSource) => Promise<T>): Promise<T> {
  const info = await stat(path).catch((error: unknown) => {
    throw fileError(path, error)
  })
  if (!info.isFile())
    throw new SnugError('model/not-found', 'not a file', {
      path,
      reason: info.isDirectory() ? 'this is a folder' : 'this is no ordinary file',
    })
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((error: unknown) => {
    throw fileError(path, error)
  })
  try {
    const { size } = await handle.stat()
    const source: ByteSource = {
      size,
      async read(offset, length) {
        const buffer = new Uint8Array(length)
        let done = 0
        while (done < length) {
          const { bytesRead } = await handle.read(buffer, done, length - done, offset + done)
          if (bytesRead === 0) break
          done += bytesRead
        }
        return buffer.subarray(0, done)
      },
    }
    return await work(source)
  } catch (error) {
    throw fileError(path, error)
  } finally {
    await handle.close()
  }
}

async function readParts(path: string, count: number): Promise<{ name: string; header: GgufHeader }[]> {
  if (count > maxParts) throw unsupported('too-many-parts', `it is split into ${count} parts; ${maxParts} are the limit`, { path })
  const name = splitName.exec(basename(path))
  if (!name || Number(name[3]) !== count) {
    throw corrupt(
      'part-name',
      `it is one of ${count} parts, but its name does not end in -00001-of-${String(count).padStart(5, '0')}.gguf`,
      { path },
    )
  }
  const parts: { name: string; header: GgufHeader }[] = []
  for (let number = 1; number <= count; number++) {
    const part = partName(name[1] ?? '', number, count, basename(path))
    const header = await readHeaderOfFile(join(dirname(path), part)).catch((error: unknown) => {
      if (!(error instanceof SnugError) || error.code !== 'model/not-found') throw error
      throw corrupt('missing-part', `part ${number} of ${count} is missing (${part})`, { path, part })
    })
    if (countOf(header, 'split.no') !== number - 1) throw corrupt('part-order', `${part} is not part ${number} inside`, { path, part })
    parts.push({ name: part, header })
  }
  const said = parts[0] ? countOf(parts[0].header, 'split.tensors.count') : null
  const found = parts.reduce((sum, part) => sum + part.header.tensors.length, 0)
  if (said !== found)
    throw corrupt('part-tensors', `its parts hold ${found} tensors together, but it says ${said ?? 'no number'}`, { path })
  const names = new Set(parts.flatMap((part) => part.header.tensors.map((tensor) => tensor.name)))
  if (names.size !== found) throw corrupt('duplicate-tensor', 'a tensor is in two of its parts', { path })
  return parts
}

function partName(stem: string, number: number, count: number, like: string): string {
  return `${stem}-${String(number).padStart(5, '0')}-of-${String(count).padStart(5, '0')}${like.slice(-5)}`
}

function withPath<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw fileError(path, error)
  }
}

function fileError(path: string, error: unknown): unknown {
  if (error instanceof SnugError) return new SnugError(error.code, error.message, { path, ...error.data }, { cause: error })
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EINVAL', 'ERR_INVALID_ARG_VALUE'].includes(code)) {
    return new SnugError('model/not-found', `no file there (${code})`, { path, reason: 'there is no file at this place' }, { cause: error })
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new SnugError(
      'file/not-permitted',
      `may not be read (${code})`,
      { path, reason: 'the system does not let Snug read it' },
      { cause: error },
    )
  }
  if (code === 'EIO' || code === 'EISDIR' || code === 'ESTALE') {
    return corrupt('unreadable', `the disk could not read it (${code})`, { path })
  }
  return error
}
