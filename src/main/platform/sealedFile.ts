import { readFileSync, rmSync } from 'node:fs'
import { z } from 'zod'
import { writeWhole } from './wholeFile'

/** The system's key store: what it seals can only be opened by this user on this machine. */
export interface SecretBox {
  /** False where nothing would really be encrypted. */
  available(): boolean
  seal(text: string): string
  /** Throws for what it did not seal. */
  open(sealed: string): string
}

/** Where there is no key store: the command line, and systems without one. */
export const noSecrets: SecretBox = {
  available: () => false,
  seal: () => {
    throw new Error('no key store')
  },
  open: () => {
    throw new Error('no key store')
  },
}

const content = z.record(z.string().max(500), z.string().max(10_000))

/** Sealed texts by name in a small file of their own: not in the database, whose backups would keep what was removed. */
export class SealedFile {
  constructor(readonly path: string) {}

  /** Empty where there is no file; throws for one that cannot be read. */
  read(): Record<string, string> {
    let text: string
    try {
      text = readFileSync(this.path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
      throw error
    }
    return content.parse(JSON.parse(text))
  }

  /** Whole or not at all; nothing to keep is no file. */
  write(entries: Record<string, string>): void {
    if (Object.keys(entries).length === 0) return rmSync(this.path, { force: true })
    writeWhole(this.path, JSON.stringify(entries))
  }
}
