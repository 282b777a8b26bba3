import type { Download, LibraryModel } from '@shared/domain/library'
import type { Bytes } from '@shared/domain/units'

const open: ReadonlySet<Download['state']> = new Set(['queued', 'running', 'paused', 'verifying', 'failed'])

/** Where a disk's bytes are: of models and downloads those that lie on it, wherever they came from. */
export function diskParts(
  disk: { total: Bytes; free: Bytes },
  models: readonly LibraryModel[],
  downloads: readonly Download[],
): { models: Bytes; unfinished: Bytes; reserved: Bytes; other: Bytes } {
  const waiting = downloads.filter(({ state, onModelsDisk }) => open.has(state) && onModelsDisk !== false)
  const ours = models.filter(({ onModelsDisk }) => onModelsDisk === true).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const unfinished = waiting.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0)
  const reserved = waiting.reduce((sum, { totalBytes, receivedBytes }) => sum + Math.max(0, totalBytes - receivedBytes), 0)
  const used = Math.max(0, disk.total - disk.free)
  return {
    models: Math.min(ours, used),
    unfinished: Math.min(unfinished, Math.max(0, used - ours)),
    reserved: Math.min(reserved, disk.free),
    other: Math.max(0, used - ours - unfinished),
  }
}
