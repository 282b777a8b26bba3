import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'

const partMark = '.part-'

/** A name beside the target (same file system, so that rename is one step) which tells who is writing it. */
export function partName(target) {
  return `${target}${partMark}${process.pid}-${randomBytes(3).toString('hex')}`
}

/** Writes a whole file or none: other processes see the old content or the new one. */
export function writeWhole(path, text) {
  mkdirSync(dirname(path), { recursive: true })
  const part = partName(path)
  writeFileSync(part, text)
  renameSync(part, path)
}

export function writeJson(path, value) {
  writeWhole(path, `${JSON.stringify(value, null, 2)}\n`)
}

/**
 * Makes a folder in a temporary place and gives it its name only when it is whole.
 * A kill leaves a `.part-…` folder, which the next run removes, and never a half-made one under the real name.
 */
export async function makeFolder(target, fill) {
  if (existsSync(target)) return target
  mkdirSync(dirname(target), { recursive: true })
  removeAbandonedParts(dirname(target))
  const part = partName(target)
  mkdirSync(part)
  try {
    await fill(part)
    // Another run may have been faster; what it made is as good.
    if (!existsSync(target)) renameSync(part, target)
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
  return target
}

/** As makeFolder, for one file: `fill` writes the file whose name it is given. */
export async function makeFile(target, fill) {
  if (existsSync(target)) return target
  mkdirSync(dirname(target), { recursive: true })
  removeAbandonedParts(dirname(target))
  const part = partName(target)
  try {
    await fill(part)
    renameSync(part, target)
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
  return target
}

/** Removes what killed runs left beside the targets of one folder. */
export function removeAbandonedParts(folder) {
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder)) {
    const at = name.lastIndexOf(partMark)
    if (at < 0) continue
    const pid = Number.parseInt(name.slice(at + partMark.length), 10)
    if (!isAlive(pid)) rmSync(join(folder, name), { recursive: true, force: true })
  }
}

export function isAlive(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives, but belongs to someone else.
    return error.code === 'EPERM'
  }
}

export async function hashFile(path, algorithm = 'sha256', encoding = 'hex') {
  const hash = createHash(algorithm)
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash)
  return hash.digest(encoding)
}

export async function expectHash(path, expected, algorithm = 'sha256', encoding = 'hex') {
  const found = await hashFile(path, algorithm, encoding)
  if (found !== expected) {
    throw new Error(`${basename(path)} is not the expected file: its ${algorithm} is ${found}, not ${expected}`)
  }
}
