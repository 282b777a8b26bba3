import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt } from './lib/build.mjs'
import { packageApp } from './lib/packageApp.mjs'
import { root } from './lib/paths.mjs'
import { say } from './lib/report.mjs'
import { setup } from './lib/setup.mjs'

/** An unpacked build of the app in dist/, from the runtime that is there. */
if (!(await setup({ quiet: true })) || !(await ensureBuilt())) process.exit(1)
try {
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  say(`Packaged: ${await packageApp()}`)
} catch (error) {
  say(`Packaging failed: ${error.message}`)
  process.exit(1)
}
