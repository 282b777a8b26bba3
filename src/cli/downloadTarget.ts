import type { Download } from '@shared/domain/library'

/** One that is not finished, by its id, or by a name that only one has: repository, file, or the file's last name. */
export function findDownload(downloads: readonly Download[], name: string): Download | null {
  const open = downloads.filter(({ state }) => state !== 'done' && state !== 'cancelled')
  const named = open.filter(
    ({ repository, file }) => name === repository || name === file || name === `${repository}/${file}` || file.endsWith(`/${name}`),
  )
  return open.find(({ id }) => id === name) ?? (named.length === 1 ? (named[0] ?? null) : null)
}
