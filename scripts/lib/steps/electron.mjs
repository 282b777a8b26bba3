import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeJson } from '../atomic.mjs'
import { readJson, root, runtimeFile } from '../paths.mjs'
import { SetupError, say } from '../report.mjs'
import { ask, run } from '../run.mjs'
import { electronBinary } from '../runtime.mjs'
import { fallbackFolder, fallbackMegabytes, fallbackSupported, fallbackVersion, makeFallback } from '../electronFallback.mjs'

const pinnedPackage = join(root, 'node_modules', 'electron')
const reachTimeoutMs = 6_000

/** Order: the pinned Electron if it is installed or can be downloaded, a folder that the user named, the fallback. */
export const electron = {
  id: 'electron',
  title: 'Electron',
  plan(context) {
    const runtime = readJson(runtimeFile)
    if (!context.retryElectron && runtime !== undefined && stillRight(runtime)) return undefined
    const wanted = pinnedVersion() ?? readJson(join(root, 'package.json')).devDependencies.electron
    if (pinnedDist() !== undefined) return { what: `${wanted} is installed; noting it`, megabytes: 0, minutes: 0.02 }
    const cached = existsSync(fallbackFolder())
    return {
      what: `${wanted}, or where its download is out of reach ${fallbackVersion} for development${cached ? ' (in the cache)' : ''}`,
      megabytes: cached ? 0 : fallbackMegabytes,
      minutes: cached ? 0.1 : 0.4,
    }
  },
  async perform() {
    const chosen = await choose()
    checkLibraries(chosen.electronDist)
    const { SNUG_ELECTRON: named, ELECTRON_MIRROR: mirror } = process.env
    writeJson(runtimeFile, { ...readJson(runtimeFile), ...chosen, pinnedVersion: pinnedVersion(), named, mirror })
    return `${chosen.electronVersion} (${chosen.electronKind}): ${chosen.electronWhy}`
  },
}

/** The note is believed while the thing it speaks of is there and nothing better has turned up. */
function stillRight(runtime) {
  if (runtime.pinnedVersion !== pinnedVersion() || runtime.named !== process.env.SNUG_ELECTRON) return false
  if (runtime.electronDist === undefined || !existsSync(electronBinary(runtime.electronDist))) return false
  if (runtime.electronKind === 'fallback' && runtime.electronDist !== fallbackFolder()) return false
  if (runtime.electronKind === 'pinned') return true
  // Another mirror may have what was out of reach.
  return pinnedDist() === undefined && runtime.mirror === process.env.ELECTRON_MIRROR
}

async function choose() {
  const version = pinnedVersion()
  if (pinnedDist() === undefined) await downloadPinned(version)
  const dist = pinnedDist()
  if (dist !== undefined) return describe(dist, 'pinned', 'the version that package.json pins')
  const named = process.env.SNUG_ELECTRON
  if (named) {
    if (!existsSync(electronBinary(named))) {
      throw new SetupError(
        `SNUG_ELECTRON names ${named}, where there is no Electron`,
        `let it name a folder that holds ${electronBinary('.')}`,
      )
    }
    return describe(named, 'named', 'the folder that SNUG_ELECTRON names')
  }
  if (!fallbackSupported()) {
    throw new SetupError(
      `Electron ${version} could not be downloaded, and there is no fallback for ${process.platform}-${process.arch}`,
      'let ELECTRON_MIRROR name a mirror that this machine reaches, or SNUG_ELECTRON a folder with an unpacked Electron.',
    )
  }
  await makeFallback()
  return describe(
    fallbackFolder(),
    'fallback',
    `Electron ${version} is out of reach here; this older one is for development and tests only, never for a package that users get`,
  )
}

async function downloadPinned(version) {
  if (!(await isReachable(version))) return
  say(`  downloading Electron ${version} (about 110 MB) …`)
  const result = await run(process.execPath, [join(pinnedPackage, 'install.js')], { cwd: root, timeoutMs: 15 * 60_000 })
  if (result.code !== 0) say(`  the download failed: ${result.stderr.trim().split('\n')[0]}`)
}

/** Asks first, with a short limit, because the installer itself waits for minutes where nothing answers. */
async function isReachable(version) {
  const mirror =
    process.env.ELECTRON_MIRROR ?? process.env.npm_config_electron_mirror ?? 'https://github.com/electron/electron/releases/download/'
  const proxied = Object.keys(process.env).some((name) => /^(https?|all)_proxy$/i.test(name)) || process.env.ELECTRON_GET_USE_PROXY
  try {
    const url = new URL(`v${version}/SHASUMS256.txt`, mirror.endsWith('/') ? mirror : `${mirror}/`)
    const answer = await fetch(url, { method: 'HEAD', redirect: 'follow', signal: AbortSignal.timeout(reachTimeoutMs) })
    return answer.status < 500
  } catch {
    // No answer. Behind a proxy that says nothing, since this question does not go through it.
    return Boolean(proxied)
  }
}

function pinnedVersion() {
  return readJson(join(pinnedPackage, 'package.json'))?.version
}

/** The pinned Electron counts as installed when its installer has written its last file. */
function pinnedDist() {
  const dist = join(pinnedPackage, 'dist')
  if (!existsSync(join(pinnedPackage, 'path.txt')) || !existsSync(electronBinary(dist))) return undefined
  const version = join(dist, 'version')
  if (!existsSync(version)) return undefined
  return readFileSync(version, 'utf8').trim().replace(/^v/, '') === pinnedVersion() ? dist : undefined
}

function describe(dist, kind, why) {
  const answer = ask(electronBinary(dist), ['-p', 'JSON.stringify(process.versions)'], {
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
  })
  let versions
  try {
    versions = JSON.parse(answer.stdout)
  } catch {
    // It did not start: mostly a missing system library, which ldd names.
    checkLibraries(dist)
    throw new SetupError(`the Electron in ${dist} does not start: ${answer.stderr.trim()}`, 'remove that folder, so that it is made again.')
  }
  return {
    electronDist: dist,
    electronVersion: versions.electron,
    electronKind: kind,
    electronWhy: why,
    electronNapi: Number(versions.napi),
  }
}

function checkLibraries(dist) {
  if (process.platform !== 'linux') return
  const missing = ask('ldd', [electronBinary(dist)])
    .stdout.split('\n')
    .filter((line) => line.includes('not found'))
    .map((line) => line.trim().split(' ')[0])
  if (missing.length > 0) {
    throw new SetupError(
      `Electron misses these system libraries: ${missing.join(', ')}`,
      'install the packages that hold them (GTK 3, NSS, ALSA, GBM).',
    )
  }
}
