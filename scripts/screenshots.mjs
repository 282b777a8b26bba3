import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt } from './lib/build.mjs'
import { root } from './lib/paths.mjs'
import { say } from './lib/report.mjs'
import { isRoot } from './lib/runtime.mjs'
import { setup } from './lib/setup.mjs'
import { runPlaywright } from './lib/suites.mjs'
import { startXvfb } from './lib/xvfb.mjs'

/** Drives the real window through the first use and leaves a picture of each screen in e2e/out/screens. */
if (!(await setup({ quiet: true, forTests: true })) || !(await ensureBuilt())) process.exit(1)
const results = join(root, 'e2e', 'out')
mkdirSync(join(results, 'screens'), { recursive: true })
const screen = await startXvfb()
const env = { SNUG_SCREENSHOTS: '1', SNUG_E2E_SANDBOX: isRoot() ? '0' : '1', ...(screen.display && { DISPLAY: screen.display }) }
const counts = await runPlaywright({ folder: root, results, name: 'screenshots', env, specs: process.argv.slice(2) })
screen.stop()
if (counts.failed === 0 && counts.passed > 0) say(`The pictures are in ${join(results, 'screens')}.`)
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1)
