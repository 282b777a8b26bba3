import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** A small file, whole or not at all: what a kill or a full disk leaves has another name. */
export function writeWhole(path: string, text: string): void {
  const part = `${path}.new`
  mkdirSync(dirname(path), { recursive: true })
  const file = openSync(part, 'w', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(part, path)
}
