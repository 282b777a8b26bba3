import { createHash } from 'node:crypto'
import { rm, rmdir, statfs } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { wholeName } from '@shared/domain/address'
import type { Download } from '@shared/domain/library'
import { plainRepository, sourceKind } from '@shared/domain/source'
import { type ErrorValue, SnugError, toErrorValue } from '@shared/errors'
import type { Log } from '@shared/log'
import type { DownloadPartRow, DownloadRow } from '../db/repositories/downloads'
import { totalOf } from '../platform/byteRanges'
import { removeUnfinished, sizeOf } from '../platform/downloadFiles'
import type { JobSpec } from '../platform/downloadTypes'
import { modelPath, safeComponents } from '../platform/fileNames'
import type { FileGroup, HubListing } from '../platform/hubFiles'
import type { AddressedFile } from '../platform/remoteFile'
import type { Arrived } from './downloadNeeds'
import { secondsLeft } from './downloadProgress'
import { newId } from './ids'

/** Wanted to run, whether it does yet or not; a kill leaves rows in these states. */
export function isActive(row: DownloadRow): boolean {
  return row.state === 'queued' || row.state === 'running' || row.state === 'verifying'
}

export function isUnfinished(row: DownloadRow): boolean {
  return isActive(row) || row.state === 'paused' || row.state === 'failed'
}

/** What it was to bring is not there any more: going on means asking what is there now. */
export function isOutdated({ state, error }: DownloadRow): boolean {
  return state === 'failed' && (error?.code === 'hub/not-found' || error?.code === 'download/changed')
}

/** What the source has now in place of what it had: of the same bytes nothing is lost, of others nothing is kept. */
export async function renewRow(row: DownloadRow, fresh: DownloadRow, modelsFolder: string): Promise<void> {
  const same = (a: DownloadPartRow, b: DownloadPartRow) =>
    a.file === b.file && a.sizeBytes === b.sizeBytes && hashOf(a) !== null && hashOf(a) === hashOf(b)
  const parts = fresh.parts.map((part) => {
    const known = row.parts.find((old) => same(old, part))
    return known === undefined ? part : { ...known, revision: part.revision }
  })
  const others = row.parts.filter((old) => !parts.some((part) => same(old, part)))
  if (others.length > 0) await removeFiles({ ...row, parts: others }, modelsFolder)
  Object.assign(row, { revision: fresh.revision, file: fresh.file, parts })
}

function hashOf({ sha256, gitSha1 }: DownloadPartRow): string | null {
  return sha256 ?? gitSha1 ?? null
}

/** The network was silent: it comes back by itself, at some time. */
export function waitsForNetwork({ state, error }: DownloadRow): boolean {
  return state === 'failed' && error?.code === 'hub/unreachable'
}

/** Stopped by the switch. */
export function isOffline({ state, error }: DownloadRow): boolean {
  return state === 'paused' && error?.code === 'network/offline'
}

/** The model that a file belongs to, or a projector by itself. */
export function groupOf({ groups, projectors }: HubListing, file: string): FileGroup | undefined {
  const projector = projectors.find((candidate) => candidate.path === file)
  if (projector === undefined) return groups.find((candidate) => candidate.file === file || candidate.parts.includes(file))
  const { path, sizeBytes, sha256 } = projector
  return { quantization: 'mmproj', file: path, parts: [path], sizeBytes, sha256 }
}

/** Checks the names of all parts; the folder is where the repository's own paths begin. */
export function newRow(listing: HubListing, group: FileGroup, modelsFolder: string, at: number): DownloadRow {
  const owner = ownerFolder(listing.repository)
  for (const part of group.parts) modelPath(join(modelsFolder, ...owner.slice(0, -2)), owner.slice(-2).join('/'), part)
  const parts = group.parts.map((path): DownloadPartRow => {
    const known = listing.files.find((candidate) => candidate.path === path)
    if (known === undefined) throw new SnugError('hub/bad-answer', 'a part is not listed', { file: path })
    const { sizeBytes, sha256, gitSha1, revision } = known
    return { file: path, sizeBytes, sha256, gitSha1, ...(revision === undefined ? {} : { revision }), etag: null, ranges: [], done: false }
  })
  return {
    id: newId(),
    repository: listing.repository,
    file: group.file,
    revision: listing.revision,
    folder: join(modelsFolder, ...owner),
    state: 'queued',
    parts,
    error: null,
    modelId: null,
    createdAt: at,
    updatedAt: at,
    position: null,
  }
}

/** What is there already, in another place: it counts as having come. */
export function hereRow(row: DownloadRow, modelId: string): DownloadRow {
  const parts = row.parts.map((part): DownloadPartRow => ({ ...part, done: true, ranges: [[0, part.sizeBytes]] }))
  return { ...row, state: 'done', parts, modelId }
}

/** A repository of the same name at another hub is another one, so it lies elsewhere. */
function ownerFolder(repository: string): string[] {
  const names = safeComponents(plainRepository(repository))
  return sourceKind(repository) === 'modelscope' ? ['modelscope', ...names] : names
}

/** A file at some address lies in a folder named after its host. */
export function newAddressRow({ address, name, parts, revision }: AddressedFile, modelsFolder: string, at: number): DownloadRow {
  const host = new URL(address).hostname.replace(/[[\]:]/g, '_')
  return {
    id: newId(),
    repository: address,
    file: name,
    revision,
    folder: join(modelsFolder, ...safeComponents(host), ...safeComponents(wholeName(name).replace(/\.gguf$/i, ''))),
    state: 'queued',
    parts: parts.map((part) => ({
      file: part.name,
      sizeBytes: part.sizeBytes,
      sha256: null,
      gitSha1: null,
      unverified: true,
      etag: part.etag,
      ranges: [],
      done: false,
    })),
    error: null,
    modelId: null,
    createdAt: at,
    updatedAt: at,
    position: null,
  }
}

export function totalBytes(row: DownloadRow): number {
  return row.parts.reduce((sum, part) => sum + part.sizeBytes, 0)
}

/** Synced to disk. */
export function receivedBytes(row: DownloadRow): number {
  return row.parts.reduce((sum, part) => sum + totalOf(part.ranges), 0)
}

async function hasRoom(row: DownloadRow, folder: string, reserveBytes: number): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize >= totalBytes(row) - receivedBytes(row) + reserveBytes
}

/** Under its final name. */
export function targetOf(row: DownloadRow, file = row.file): string {
  return join(row.folder, ...safeComponents(file))
}

export function specOf(row: DownloadRow, endpoint: string, reserveBytes: number): JobSpec {
  const { id, repository, revision, folder } = row
  return {
    id,
    endpoint,
    repository,
    revision,
    folder,
    parts: row.parts.map((part) => ({ ...part, gitSha1: part.gitSha1 ?? null })),
    reserveBytes,
  }
}

export function lockFile(folder: string, row: DownloadRow): string {
  const name = createHash('sha256').update(`${row.repository}\n${row.file}`).digest('hex').slice(0, 24)
  return join(folder, `download-${name}.lock`)
}

export function viewOf(
  row: DownloadRow,
  progress: Pick<Download, 'receivedBytes' | 'verifiedBytes' | 'bytesPerSecond' | 'trouble' | 'thenChat' | 'retryAt'>,
): Download {
  const total = totalBytes(row)
  return {
    id: row.id,
    repository: row.repository,
    file: row.file,
    parts: row.parts.map((part) => part.file),
    revision: row.revision,
    state: row.state,
    totalBytes: total,
    ...progress,
    secondsLeft: secondsLeft(total - progress.receivedBytes, progress.bytesPerSecond),
    error: row.error,
    modelId: row.modelId,
    createdAt: row.createdAt,
  }
}

export async function isThere(row: DownloadRow): Promise<boolean> {
  const sizes = await Promise.all(row.parts.map((part) => sizeOf(targetOf(row, part.file)).catch(() => null)))
  // Of another size it is another file.
  return row.parts.every((part, index) => sizes[index] === part.sizeBytes)
}

/** What is not finished goes, and the folders of repository and owner where they are empty then. */
export async function removeFiles(row: DownloadRow, modelsFolder: string): Promise<void> {
  for (const part of row.parts) if (part.done && part.fetched === true) await rm(targetOf(row, part.file), { force: true })
  await removeUnfinished({ ...row, parts: specOf(row, '', 0).parts })
  for (let folder = row.folder; isBelow(folder, modelsFolder); folder = dirname(folder)) {
    const removed = await rmdir(folder).then(
      () => true,
      () => false,
    )
    if (!removed) return
  }
}

export function isBelow(folder: string, root: string): boolean {
  const inside = relative(root, folder)
  return inside !== '' && !inside.startsWith('..')
}

/** What the library is told of a finished one. Every part counts: the first one alone says nothing of the others. */
export function arrivalOf(row: DownloadRow): Arrived {
  const sha256s = row.parts.flatMap(({ sha256 }) => sha256 ?? [])
  const own = row.parts.flatMap(({ ownSha256 }) => ownSha256 ?? [])
  return {
    path: targetOf(row),
    repository: sourceKind(row.repository) === 'address' ? null : row.repository,
    revision: row.revision,
    sha256s: sha256s.length === row.parts.length ? sha256s : null,
    ...(own.length === row.parts.length ? { ownSha256s: own } : {}),
  }
}

/** What time or another process may put right is paused, the rest has failed. */
export function stoppedBy({ code, message, data }: ErrorValue): Pick<DownloadRow, 'state' | 'error'> {
  const waits = code === 'download/disk-full' || code === 'network/offline' || code === 'download/busy'
  return { state: waits ? 'paused' : 'failed', error: { code, message, data: data ?? {} } }
}

/** Whether what a full disk stopped can go on. */
export async function hasRoomAgain(row: DownloadRow, reserveBytes: number, log: Log): Promise<boolean> {
  const { state, error } = row
  if (state !== 'paused' || error?.code !== 'download/disk-full' || typeof error.data.path !== 'string') return false
  try {
    return await hasRoom(row, error.data.path, reserveBytes)
  } catch (cause) {
    log.debug('the disk does not answer', { id: row.id, error: toErrorValue(cause) })
    return false
  }
}
