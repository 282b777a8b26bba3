import { SnugError } from '@shared/errors'
import type { DownloadRow } from '../db/repositories/downloads'
import { takeLock } from '../platform/fileLock'
import { diskFull, isDiskFull } from '../platform/partWriter'
import { lockFile, receivedBytes, removeFiles, totalBytes } from './downloadRows'

type Unlock = () => Promise<void>

/** One process at a time works on a file: app and command line may share a data folder. */
export class DownloadLocks {
  constructor(
    readonly folder: string,
    readonly reserveBytes: number,
  ) {}

  /** For as long as it is worked on. Not even a lock can be written on a disk without a free byte. */
  async take(row: DownloadRow): Promise<Unlock> {
    const unlock = await takeLock(lockFile(this.folder, row)).catch((error: unknown) => {
      if (isDiskFull(error)) throw diskFull(this.folder, totalBytes(row) - receivedBytes(row) + this.reserveBytes, error)
      throw error
    })
    if (unlock === null) throw busy(row)
    return unlock
  }

  /** Not under the hands of another process; a disk without room for a lock has none to lose. */
  async removeFiles(row: DownloadRow, modelsFolder: string): Promise<void> {
    const unlock = await takeLock(lockFile(this.folder, row)).catch((error: unknown) => {
      if (isDiskFull(error)) return async () => {}
      throw error
    })
    if (unlock === null) throw busy(row)
    try {
      await removeFiles(row, modelsFolder)
    } finally {
      await unlock()
    }
  }

  /** Another process had the file, and has not any more: it is done there, or goes on here. */
  async isLetGo(row: DownloadRow): Promise<boolean> {
    if (row.state !== 'paused' || row.error?.code !== 'download/busy') return false
    const unlock = await takeLock(lockFile(this.folder, row)).catch(() => null)
    await unlock?.()
    return unlock !== null
  }
}

function busy({ file }: DownloadRow): SnugError {
  return new SnugError('download/busy', 'another Snug downloads this file', { file })
}
