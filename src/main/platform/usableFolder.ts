import { accessSync, constants } from 'node:fs'
import type { ErrorCode } from '@shared/errors'
import { makeFolder } from './folders'

/** Makes the folder where it is missing; says why it cannot be written to, or null. */
export function whyUnusable(folder: string): ErrorCode | null {
  try {
    makeFolder(folder, 0o700)
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    return null
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    return code === 'ENOSPC' || code === 'EDQUOT' ? 'db/disk-full' : 'file/not-permitted'
  }
}
