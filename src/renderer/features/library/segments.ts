export type SegmentState = 'done' | 'got' | 'todo'

/** At most this many, so that one is never narrower than it can be seen. */
const most = 60

/** A download as pieces: verified, arrived, to come. */
export function segments(totalBytes: number, receivedBytes: number, verifiedBytes: number, pieces = most): SegmentState[] {
  const share = (bytes: number) => (totalBytes > 0 ? Math.min(1, bytes / totalBytes) * pieces : 0)
  const verified = Math.floor(share(verifiedBytes) + 1e-9)
  const received = Math.max(verified, Math.ceil(share(receivedBytes) - 1e-9))
  return Array.from({ length: pieces }, (_, place) => (place < verified ? 'done' : place < received ? 'got' : 'todo'))
}
