import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { writeJson } from './atomic.mjs'
import { root } from './paths.mjs'
import { ask, must } from './run.mjs'
import { isRoot, readRuntime } from './runtime.mjs'

/** "nobody" on every Linux; it owns nothing, so what a test writes can only be where it was allowed to. */
const id = 65_534
const asOrdinary = ['--reuid', String(id), '--regid', String(id), '--clear-groups']

/** Chromium's sandbox needs user namespaces without privileges; some containers forbid them. */
export function sandboxWorks() {
  if (process.platform !== 'linux') return true
  return isRoot() ? ask('setpriv', [...asOrdinary, 'unshare', '-Ur', 'true']).ok : ask('unshare', ['-Ur', 'true']).ok
}

/**
 * As root: a checkout, a runtime and a home of its own for an ordinary user, hard-linked where the file system allows
 * (seconds, no disk). Anyone else runs in place. `wrap` turns a command line into one of that user.
 */
export async function ordinaryPlace() {
  if (!isRoot()) return { folder: root, env: {}, wrap: (command, args) => [command, args], fetch: () => {}, remove: () => {} }
  const base = mkdtempSync(join(tmpdir(), 'snug-ordinary-'))
  chmodSync(base, 0o755)
  const folder = join(base, 'checkout')
  mkdirSync(folder)
  for (const name of readdirSync(root)) {
    if (name === '.git') continue
    if (name === 'node_modules' || name === 'dist') await linkTree(join(root, name), join(folder, name))
    else cpSync(join(root, name), join(folder, name), { recursive: true, filter: (path) => path !== join(root, 'e2e', 'out') })
  }
  await linkRuntime(base, folder)
  const homes = Object.fromEntries(['home', 'tmp'].map((name) => [name, join(base, name)]))
  for (const own of [homes.home, homes.tmp, join(folder, 'e2e', 'out')]) {
    mkdirSync(own, { recursive: true, mode: 0o700 })
    chownSync(own, id, id)
  }
  return {
    folder,
    env: { HOME: homes.home, TMPDIR: homes.tmp, USER: 'nobody', LOGNAME: 'nobody', ...unset('XDG_') },
    wrap: (command, args) => ['setpriv', [...asOrdinary, command, ...args]],
    /** Brings what the run wrote back to the checkout. */
    fetch: () => cpSync(join(folder, 'e2e', 'out'), join(root, 'e2e', 'out'), { recursive: true }),
    remove: () => rmSync(base, { recursive: true, force: true }),
  }
}

async function linkRuntime(base, folder) {
  const runtime = readRuntime()
  const copy = { ...runtime, electronDist: join(base, 'electron') }
  await linkTree(runtime.electronDist, copy.electronDist)
  for (const key of ['starterModel', 'gemmaModel']) {
    if (runtime[key] === undefined || !existsSync(runtime[key])) continue
    copy[key] = join(base, 'models', basename(runtime[key]))
    await linkTree(runtime[key], copy[key])
  }
  // A new file under the old name: the one in the checkout, hard-linked here, keeps its content.
  writeJson(join(folder, 'node_modules', '.cache', 'snug', 'runtime.json'), copy)
}

async function linkTree(from, to) {
  mkdirSync(dirname(to), { recursive: true })
  const linked = ask('cp', ['-al', from, to], { timeout: 120_000 })
  if (linked.ok) return
  // Another file system, or one without hard links.
  rmSync(to, { recursive: true, force: true })
  await must('cp', ['-a', '--reflink=auto', from, to])
}

function unset(prefix) {
  return Object.fromEntries(
    Object.keys(process.env)
      .filter((name) => name.startsWith(prefix))
      .map((name) => [name, undefined]),
  )
}
