import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt } from './lib/build.mjs'
import { ordinaryPlace, sandboxWorks } from './lib/ordinaryUser.mjs'
import { packageApp } from './lib/packageApp.mjs'
import { root } from './lib/paths.mjs'
import { say, seconds } from './lib/report.mjs'
import { isRoot } from './lib/runtime.mjs'
import { setup } from './lib/setup.mjs'
import { addCounts, runPlaywright, runVitest } from './lib/suites.mjs'
import { startXvfb } from './lib/xvfb.mjs'

/** The whole test: set-up, build, unit and real tests, the window. Ends with one line that counts all of them. */
const args = process.argv.slice(2)
const full = args.includes('--full')
const began = performance.now()
const total = { passed: 0, failed: 0, skipped: 0 }

const ready = (await setup({ forTests: true, full })) && (await ensureBuilt())
if (ready) await runAll()
else total.failed += 1
say(`All suites took ${seconds(performance.now() - began)}.`)
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`)
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1)

async function runAll() {
  const results = join(root, 'e2e', 'out')
  rmSync(results, { recursive: true, force: true })
  mkdirSync(results, { recursive: true })
  const screen = await startXvfb()
  try {
    const display = screen.display === undefined ? {} : { DISPLAY: screen.display, WAYLAND_DISPLAY: undefined }
    const options = { results, full, env: display }
    const unit = ['--exclude', '**/*.{real,full}.test.*']
    addCounts(total, 'unit tests', await runVitest({ ...options, name: 'unit', choice: unit }))
    // One at a time: an engine takes every core, and beside a second one its time limits would measure the neighbour.
    const real = ['.real.test.', '.full.test.', '--no-file-parallelism']
    addCounts(total, 'real tests', await runVitest({ ...options, name: 'real', choice: real }))
    await runWindowTests(results, display)
  } finally {
    screen.stop()
  }
}

/** Sandboxed wherever the system allows it: as root that needs an ordinary user. */
async function runWindowTests(results, display) {
  const env = { ...display, SNUG_TEST_FULL: full ? '1' : '' }
  if (process.platform === 'linux') await packForTests()
  if (!sandboxWorks()) {
    say(
      'SKIPPED: the sandboxed run of the window tests, because this system forbids unprivileged user namespaces (`unshare -Ur true` fails).',
    )
    total.skipped += 1
    const options = { folder: root, results, name: 'window', env: { ...env, SNUG_E2E_SANDBOX: '0' }, grepInvert: '@sandbox' }
    addCounts(total, 'window tests without the sandbox', await runPlaywright(options))
    return
  }
  const place = await ordinaryPlace()
  try {
    const own = join(place.folder, 'e2e', 'out')
    const options = { folder: place.folder, results: own, name: 'window', wrap: place.wrap, grepInvert: '@root' }
    const counts = await runPlaywright({ ...options, env: { ...env, ...place.env, SNUG_E2E_SANDBOX: '1' } })
    addCounts(total, `window tests, sandboxed${isRoot() ? ', as an ordinary user' : ''}`, counts)
    place.fetch()
  } finally {
    place.remove()
  }
  if (!isRoot()) return
  const asRoot = { folder: root, results, name: 'root', env: { ...env, SNUG_E2E_SANDBOX: '0' }, grep: '@root' }
  addCounts(total, 'window tests as root', await runPlaywright(asRoot))
}

/** e2e/package.spec.ts looks at the result; it fails by itself where there is none. */
async function packForTests() {
  const start = performance.now()
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  try {
    await packageApp()
    say(`Packaged in ${seconds(performance.now() - start)}.`)
  } catch (error) {
    say(`Packaging failed: ${error.message}`)
  }
}
