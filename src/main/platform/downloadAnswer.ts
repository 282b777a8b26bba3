import { SnugError } from '@shared/errors'
import type { ByteRange } from './byteRanges'
import type { JobPart } from './downloadTypes'
import { hubError } from './hubError'
import type { Hop } from './network'

/** `append`: the bytes asked for follow. `restart`: the whole file follows, what was there does not count. */
export type Accepted = { kind: 'append' | 'restart'; from: number; to: number; etag: string | null; sha256: string | null }

export interface Asked {
  part: JobPart
  revision: string
  range: ByteRange
  /** The origin of the hub: only its own refusals are final. */
  hubOrigin: string
}

const hex64 = /^[0-9a-f]{64}$/

/** Weak tags say nothing about bytes, so they cannot guard a range. */
export function strongEtag(etag: string | null | undefined): string | null {
  return etag !== null && etag !== undefined && /^"[^"]+"$/.test(etag) ? etag : null
}

/** A range of the very file that the tag names, where there is one. */
export function rangeHeaders([from, to]: ByteRange, tag: string | null): Record<string, string> {
  const etag = strongEtag(tag)
  return { range: `bytes=${from}-${to - 1}`, ...(etag === null ? {} : { 'if-range': etag }) }
}

/** Checks an answer to a request for a range; throws what it means otherwise. Rows L2 and L4 of the fault matrix are decided here. */
export function acceptAnswer(hops: readonly Hop[], asked: Asked): Accepted {
  const last = hops.at(-1)
  if (last === undefined) throw bad('no answer')
  const sha256 = checkHub(hops, asked)
  const { status, headers } = last
  if (status !== 200 && status !== 206) throw refusal(last, asked)
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') throw bad('the bytes came packed')
  if (/^text\/html\b/i.test(headers['content-type'] ?? '')) throw bad('a web page came instead of the file')
  const { sizeBytes } = asked.part
  const length = headers['content-length'] === undefined ? null : Number(headers['content-length'])
  const etag = strongEtag(headers.etag)
  if (status === 200) {
    if (length !== null && length !== sizeBytes) throw bad(`length ${length} instead of ${sizeBytes}`)
    return { kind: 'restart', from: 0, to: sizeBytes, etag, sha256 }
  }
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers['content-range'] ?? '')
  if (match === null) throw bad('206 without a range')
  const from = Number(match[1])
  const to = Number(match[2]) + 1
  if (match[3] !== '*' && Number(match[3]) !== sizeBytes) throw bad(`size ${match[3]} instead of ${sizeBytes}`)
  if (from !== asked.range[0] || to > asked.range[1] || to <= from) throw bad('another range than the one asked for')
  if (length !== null && length !== to - from) throw bad(`length ${length} in a range of ${to - from}`)
  // A range of another file, in spite of If-Range: nothing of it may join what is there.
  if (asked.part.etag !== null && etag !== null && etag !== asked.part.etag)
    throw new SnugError('download/changed', 'range of another file', { restart: true })
  return { kind: 'append', from, to, etag, sha256 }
}

/** Only the hub's own answer tells the hash and the commit; the storage's ETag is another value. */
function checkHub(hops: readonly Hop[], { part, revision, hubOrigin }: Asked): string | null {
  const hub = hops.find((hop) => hop.url.origin === hubOrigin && hop.headers['x-repo-commit'] !== undefined)
  const linked = hops.find((hop) => hop.headers['x-linked-etag'] !== undefined)
  const changed = (what: string) => new SnugError('download/changed', `the file changed at the hub: ${what}`, { file: part.file, what })
  const commit = hub?.headers['x-repo-commit']
  if (commit !== undefined && commit !== revision) throw changed('commit')
  const size = linked?.headers['x-linked-size']
  if (size !== undefined && Number(size) !== part.sizeBytes) throw changed('size')
  const hash = linked?.headers['x-linked-etag']?.replace(/^W\//, '').replace(/"/g, '').toLowerCase()
  if (hash === undefined || !hex64.test(hash)) return part.sha256
  if (part.sha256 !== null && hash !== part.sha256) throw changed('hash')
  // The storage may send such a header, too: the hash of a file comes from its hub only.
  return part.sha256 ?? (part.gitSha1 === null && linked?.url.origin === hubOrigin ? hash : null)
}

function refusal(last: Hop, { hubOrigin }: Asked): SnugError {
  const retryAfterMs = retryAfter(last.headers['retry-after'])
  if (last.status === 416) return new SnugError('download/changed', 'the range is not there', { restart: true })
  const fromHub = last.url.origin === hubOrigin || last.headers['x-error-code'] !== undefined
  if (!fromHub && (last.status === 401 || last.status === 403 || last.status === 404 || last.status === 410))
    return new SnugError('hub/unreachable', `the storage answered ${last.status}: the signed address expired`, {
      expired: true,
      status: last.status,
    })
  const error = hubError(last)
  return retryAfterMs === null ? error : new SnugError(error.code, error.message, { ...error.data, retryAfterMs })
}

/** Seconds or a date (RFC 9110 §10.2.3). */
export function retryAfter(value: string | undefined, now = Date.now()): number | null {
  if (value === undefined) return null
  if (/^\d+$/.test(value.trim())) return Number(value) * 1_000
  const date = Date.parse(value)
  return Number.isNaN(date) ? null : Math.max(0, date - now)
}

function bad(reason: string): SnugError {
  return new SnugError('hub/bad-answer', `the answer is not the file: ${reason}`, { reason })
}

/** Worth another try: the network's moods, not the hub's decisions. */
export function isPassing({ code, data }: SnugError): boolean {
  return code === 'hub/unreachable' || code === 'hub/rate-limited' || (code === 'hub/bad-answer' && data.redirect !== true)
}

/** The endpoint does not give this file, or another one; a mirror may. */
export function isRefusal({ code, data }: SnugError): boolean {
  return (
    code === 'hub/not-found' ||
    code === 'hub/gated' ||
    code === 'hub/token-refused' ||
    code === 'network/certificate' ||
    code === 'download/changed' ||
    (code === 'hub/bad-answer' && data.redirect === true)
  )
}
