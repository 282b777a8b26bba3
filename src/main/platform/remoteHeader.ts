import { execFile } from 'node:child_process'
import { type FileHandle, open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { type Bytes, MiB } from '@shared/domain/units'
import type { HeaderCheck } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import { strongEtag } from './downloadAnswer'
import { hubError } from './hubError'
import type { Hop, Network, NetworkResponse } from './network'

/** What a server says of a file before any of it is read. */
export interface RemoteFile {
  sizeBytes: Bytes
  /** Strong ones only: a weak tag says nothing about bytes. */
  etag: string | null
  lastModified: string | null
}

export interface HeaderRequest {
  address: string
  /** What it is the header of, for the log that the person can read. */
  about: string
  /** What a listing of the hub said; an answer that contradicts it is refused. */
  expected?: { sizeBytes: Bytes; sha256: string | null; hubOrigin: string }
  /** 2 MiB: enough for many headers (vocabularies of 32,000), and a third of the largest usual ones. */
  firstBytes?: Bytes
  signal?: AbortSignal
  /** Called with the first answer, before its body is read; true: this header is here already. */
  isKnown?: (file: RemoteFile) => Promise<boolean>
}

export interface HeaderTools {
  network: Network
  /** The bounded check, in the tools process: main parses no header. */
  check: (path: string, sizeBytes: Bytes) => Promise<HeaderCheck>
  /** Silence of a body that ends the request; 20 s. */
  idleMs?: number
}

export interface FetchedHeader extends RemoteFile {
  headerBytes: Bytes
  /** Of the header alone. */
  sha256: string
  splitCount: number
}

const firstBytes = 2 * MiB
/** As in the reader of headers (engine): no real one comes near. */
const limitBytes = 64 * MiB
/** 2, 8, 32, 64 MiB at the most, and one more for a signed address that expired. */
const maxRanges = 5
/** A file system without holes would fill the disk with the size of the model. */
const holeSlackBytes = 16 * MiB

/**
 * Fetches the header of a remote GGUF by a few ranges into `path`, which then is as long as the real file with a hole in place of its
 * weights: everything that reads headers takes it for the model. null where `isKnown` said so.
 */
export async function fetchHeader(tools: HeaderTools, request: HeaderRequest, path: string): Promise<FetchedHeader | null> {
  const handle = await open(path, 'w', 0o600)
  try {
    const fetched = await fetchRanges(tools, request, path, handle)
    if (fetched !== null) await makeHole(handle, path, fetched)
    return fetched
  } catch (error) {
    throw diskError(error)
  } finally {
    await handle.close()
  }
}

async function fetchRanges(
  { network, check, idleMs = 20_000 }: HeaderTools,
  request: HeaderRequest,
  path: string,
  handle: FileHandle,
): Promise<FetchedHeader | null> {
  let file: RemoteFile | null = null
  let address: string | URL = request.address
  let have = 0
  let goal = request.firstBytes ?? firstBytes
  for (let asked = 0; asked < maxRanges; asked++) {
    const response: NetworkResponse = await network.request(address, {
      purpose: 'header',
      about: request.about,
      headers: {
        range: `bytes=${have}-${goal - 1}`,
        ...(file !== null && file.etag !== null ? { 'if-range': file.etag } : {}),
      },
      ...(request.signal ? { signal: request.signal } : {}),
    })
    try {
      if (address !== request.address && [401, 403, 404, 410].includes(response.status)) {
        // The signed address of the storage expired: the hub gives a new one.
        address = request.address
        continue
      }
      const answer = accept(response.hops, { from: have, to: goal, file, expected: request.expected })
      if (file === null && (await request.isKnown?.(answer.file)) === true) return null
      file = answer.file
      // What follows comes from where this came from: one request for each range.
      address = response.url
      for await (const chunk of bodyOf(response, answer.to - have, idleMs)) {
        await writeAll(handle, chunk, have)
        have += chunk.length
        // A server that knows no ranges sends everything: it is read as far as is needed, then cut.
        if (have < Math.min(goal, file.sizeBytes)) continue
        const state = await check(path, file.sizeBytes)
        if (state.complete) return { ...file, headerBytes: state.headerBytes, sha256: state.sha256, splitCount: state.splitCount }
        goal = nextGoal(state, have, file.sizeBytes)
      }
    } finally {
      response.close()
    }
  }
  throw bad(`its header did not come in ${maxRanges} requests`)
}

/** At least four times what is there, or a quarter more than the list under way seems to need: the next list is about as long. */
function nextGoal(state: HeaderCheck & { complete: false }, have: number, size: number): number {
  if (state.needsBytes > limitBytes) throw bad('its header is larger than 64 MiB')
  return Math.min(Math.max(state.needsBytes, Math.ceil(state.likelyBytes * 1.25), have * 4), size, limitBytes)
}

interface Asked {
  from: number
  to: number
  file: RemoteFile | null
  expected: HeaderRequest['expected']
}

/** Only a matching 206, or a 200 from the start; the size is the one that the range names. */
function accept(hops: readonly Hop[], { from, to, file, expected }: Asked): { file: RemoteFile; to: number } {
  const last = hops.at(-1)
  if (last === undefined) throw bad('no answer')
  const { status, headers } = last
  if (status === 416) throw from === 0 ? bad('it is empty') : changed('size')
  if (status !== 200 && status !== 206) throw hubError(last)
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') throw bad('the bytes came packed')
  if (/^text\/html\b/i.test(headers['content-type'] ?? '')) throw bad('a web page came instead of the file')
  if (expected) checkHub(hops, expected)
  const length = headers['content-length'] === undefined ? null : Number(headers['content-length'])
  const linked = hops.find((hop) => hop.headers['x-linked-size'] !== undefined)?.headers['x-linked-size']
  const known = expected?.sizeBytes ?? file?.sizeBytes ?? (linked === undefined ? null : Number(linked))
  const etag = strongEtag(headers.etag)
  const seen = (sizeBytes: number): RemoteFile => ({ sizeBytes, etag, lastModified: headers['last-modified'] ?? null })

  if (status === 200) {
    // In answer to If-Range this is another file.
    if (from > 0) throw changed('etag')
    const size = length ?? known
    if (size === null || !Number.isSafeInteger(size)) throw bad('it does not say how long it is')
    if (known !== null && size !== known) throw bad(`length ${size} instead of ${known}`)
    return { file: seen(size), to: size }
  }
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers['content-range'] ?? '')
  if (match === null) throw bad('206 without a range')
  const size = match[3] === '*' ? known : Number(match[3])
  const end = Number(match[2]) + 1
  if (size === null || !Number.isSafeInteger(size)) throw bad('it does not say how long it is')
  if (known !== null && size !== known) throw file === null ? bad(`size ${size} instead of ${known}`) : changed('size')
  if (Number(match[1]) !== from || end > Math.min(to, size) || end <= from) throw bad('another range than the one asked for')
  if (length !== null && length !== end - from) throw bad(`length ${length} in a range of ${end - from}`)
  if (file !== null && file.etag !== null && etag !== file.etag) throw changed('etag')
  return { file: seen(size), to: end }
}

/** Only the hub's own redirect tells the file's hash and size. */
function checkHub(hops: readonly Hop[], { sizeBytes, sha256, hubOrigin }: NonNullable<HeaderRequest['expected']>): void {
  const hop = hops.find((candidate) => candidate.url.origin === hubOrigin && candidate.headers['x-linked-etag'] !== undefined)
  if (hop === undefined) return
  const size = hop.headers['x-linked-size']
  if (size !== undefined && Number(size) !== sizeBytes) throw changed('size')
  const hash = hop.headers['x-linked-etag']?.replace(/^W\//, '').replace(/"/g, '').toLowerCase()
  if (sha256 !== null && hash !== undefined && /^[0-9a-f]{64}$/.test(hash) && hash !== sha256) throw changed('hash')
}

/** The body, no more than `length` bytes of it and all of them, never silent for long. */
async function* bodyOf(response: NetworkResponse, length: number, idleMs: number): AsyncGenerator<Buffer> {
  const unreachable = (reason: string, cause?: unknown) =>
    new SnugError('hub/unreachable', `${response.url.host} does not go on: ${reason}`, { host: response.url.host, reason }, { cause })
  let left = length
  let timer: NodeJS.Timeout | undefined
  const wait = () => {
    clearTimeout(timer)
    timer = setTimeout(() => response.body.destroy(unreachable('silence')), idleMs)
  }
  try {
    wait()
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      // Between the chunks it is we who take our time.
      clearTimeout(timer)
      yield chunk.subarray(0, left)
      left -= Math.min(left, chunk.length)
      if (left === 0) return
      wait()
    }
  } catch (error) {
    throw error instanceof SnugError ? error : unreachable(error instanceof Error ? error.message : String(error), error)
  } finally {
    clearTimeout(timer)
  }
  if (left > 0) throw unreachable(`${left} bytes are missing`)
}

async function writeAll(handle: FileHandle, chunk: Buffer, at: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, at + done)
    done += bytesWritten
  }
}

async function makeHole(handle: FileHandle, path: string, { headerBytes, sizeBytes }: FetchedHeader): Promise<void> {
  if (process.platform === 'win32') await promisify(execFile)('fsutil', ['sparse', 'setflag', path])
  await handle.truncate(headerBytes)
  await handle.truncate(sizeBytes)
  const { blocks } = await handle.stat()
  if (blocks * 512 > headerBytes + holeSlackBytes)
    throw new SnugError('file/not-permitted', 'this file system knows no holes in files', { path })
  await handle.datasync()
}

function diskError(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? new SnugError('download/disk-full', `no room for a header (${code})`, {}, { cause: error })
    : error
}

function changed(what: string): SnugError {
  return new SnugError('download/changed', `the file changed at the hub: ${what}`, { what })
}

function bad(reason: string): SnugError {
  return new SnugError('hub/bad-answer', `the answer is not the file: ${reason}`, { reason })
}
