import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { FuseV1Options, FuseVersion, getCurrentFuseWire } from '@electron/fuses'
import { expect, test } from '@playwright/test'
import { checkout, freshCache, freshFolder, sandboxed } from './fixtures/launch'

/** Tested from outside: with these fuses nothing can attach to the program. */
const folder = join(checkout, 'dist/linux-unpacked')
const binary = join(folder, 'snug')
const flags = sandboxed ? [] : ['--no-sandbox']

test.skip(process.platform !== 'linux', 'the unpacked build is for Linux')

function start(
  args: string[],
  env: Record<string, string> = {},
): { child: ChildProcess; dataDir: string; output: () => string; ended: Promise<number | null> } {
  const dataDir = freshFolder()
  const child = spawn(binary, [...flags, ...args], {
    env: { ...process.env, SNUG_DATA: dataDir, SNUG_CACHE: freshCache(true), HF_ENDPOINT: 'http://127.0.0.1:9', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  child.stdout?.on('data', (chunk) => (text += chunk))
  child.stderr?.on('data', (chunk) => (text += chunk))
  return { child, dataDir, output: () => text, ended: new Promise((done) => child.once('exit', done)) }
}

test('all fuses are set', async () => {
  const wire = await getCurrentFuseWire(binary)
  expect(wire.version).toBe(FuseVersion.V1)
  const wanted: Record<number, boolean> = {
    [FuseV1Options.RunAsNode]: false,
    [FuseV1Options.EnableCookieEncryption]: true,
    [FuseV1Options.EnableNodeOptionsEnvironmentVariable]: false,
    [FuseV1Options.EnableNodeCliInspectArguments]: false,
    [FuseV1Options.EnableEmbeddedAsarIntegrityValidation]: true,
    [FuseV1Options.OnlyLoadAppFromAsar]: true,
    [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
    [FuseV1Options.GrantFileProtocolExtraPrivileges]: false,
  }
  const read = Object.fromEntries(
    Object.keys(wanted).map((fuse) => [fuse, String.fromCharCode(Number(wire[Number(fuse) as FuseV1Options])) === '1']),
  )
  expect(read).toEqual(wanted)
})

test('the app is an archive beside the native modules of this platform alone', () => {
  const resources = join(folder, 'resources')
  expect(existsSync(join(resources, 'app.asar'))).toBe(true)
  expect(existsSync(join(resources, 'app'))).toBe(false)
  const modules = join(resources, 'app.asar.unpacked/node_modules')
  expect(readdirSync(join(modules, '@node-llama-cpp')).every((name) => name.startsWith(`linux-${process.arch}`))).toBe(true)
  expect(readdirSync(join(modules, 'better-sqlite3/prebuilds'))).toEqual([`linux-${process.arch}.node`])
  expect(existsSync(join(modules, 'better-sqlite3/deps'))).toBe(false)
  for (const name of ['LICENSE', 'THIRD_PARTY_NOTICES', 'LICENSE.electron.txt', 'LICENSES.chromium.html'])
    expect(existsSync(join(folder, name))).toBe(true)
})

/** Native modules that the package's processes have in memory now. */
function loadedModules(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (readlinkSync(`/proc/${pid}/exe`) !== binary) return []
        return [...readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(/\S+\.(?:node|so)(?=\n)/g)].map(([path]) => path)
      } catch {
        // It ended in between, or is a sandboxed page, which nobody may look into.
        return []
      }
    })
}

test('it starts, opens its database, and loads llama.cpp in a process of its own', async () => {
  test.skip(!sandboxed, 'a package refuses --no-sandbox')
  const snug = start([])
  const unpacked = join(folder, 'resources/app.asar.unpacked/node_modules')
  const seen = new Set<string>()
  const look = () => {
    for (const path of loadedModules()) seen.add(path.slice(0, unpacked.length) === unpacked ? path.slice(unpacked.length + 1) : path)
    return [...seen]
  }
  // The machine is measured at first use; that process ends soon, so look often.
  await expect
    .poll(() => look().some((path) => path.startsWith('@node-llama-cpp/') && path.includes('libllama')), {
      timeout: 30_000,
      intervals: [30],
      message: snug.output(),
    })
    .toBe(true)
  expect(look().some((path) => path.startsWith('better-sqlite3/'))).toBe(true)
  expect(existsSync(join(snug.dataDir, 'snug.db'))).toBe(true)
  expect(snug.child.exitCode, snug.output()).toBe(null)
  snug.child.kill('SIGTERM')
  await snug.ended
})

test('it is no Node, and opens no port for a debugger', async () => {
  const said = execFileSync(
    'sh',
    ['-c', `ELECTRON_RUN_AS_NODE=1 timeout 5 "${binary}" ${flags.join(' ')} -p '"as " + "node"' 2>&1 || true`],
    {
      env: { ...process.env, SNUG_DATA: freshFolder(), SNUG_CACHE: freshFolder() },
      encoding: 'utf8',
    },
  )
  expect(said).not.toContain('as node')
  const refused = start(['--remote-debugging-port=0'])
  expect(await refused.ended).toBe(2)
})
