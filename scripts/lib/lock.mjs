import { linkSync, mkdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { isAlive, partName, writeJson } from './atomic.mjs'
import { killGroup } from './run.mjs'
import { say } from './report.mjs'

/**
 * One set-up at a time in one checkout. The file names its owner and the child that changes `node_modules`:
 * if the owner was killed, that child may still be writing, so it is ended before anything else starts.
 */
export async function withLock(path, work) {
  mkdirSync(dirname(path), { recursive: true })
  let told = false
  while (!take(path)) {
    const owner = read(path)
    if (owner === undefined || !isAlive(owner.pid)) {
      if (owner?.child !== undefined && isOurs(owner.child)) {
        killGroup(owner.child, 'SIGKILL')
        await after(200)
      }
      rmSync(path, { force: true })
      continue
    }
    if (!told) say('Another set-up of this checkout is running; waiting for it.')
    told = true
    await after(300)
  }
  try {
    return await work({ noteChild: (child) => writeJson(path, { pid: process.pid, child }) })
  } finally {
    unlinkSync(path)
  }
}

/** A link appears at once and with its content, so nobody reads a lock that does not name its owner yet. */
function take(path) {
  const part = partName(path)
  writeFileSync(part, JSON.stringify({ pid: process.pid }))
  try {
    linkSync(part, path)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  } finally {
    unlinkSync(part)
  }
}

function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    // Gone in between: its owner has finished.
    return undefined
  }
}

/** A process id may have been given to another program since: only a child of the kinds that we start is ended. */
function isOurs(pid) {
  if (!isAlive(pid)) return false
  if (process.platform !== 'linux') return true
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').match(/npm|electron-vite/) !== null
  } catch {
    // It ended between the two looks.
    return false
  }
}
