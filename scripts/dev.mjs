import { join } from 'node:path'
import { root } from './lib/paths.mjs'
import { say } from './lib/report.mjs'
import { replaceBy } from './lib/run.mjs'
import { electronEnv, hasDisplay, isRoot } from './lib/runtime.mjs'
import { setup } from './lib/setup.mjs'

if (!(await setup({ quiet: true }))) process.exit(1)
if (!hasDisplay()) {
  say('npm run dev opens a window and there is no display here. Under a virtual one: xvfb-run -a npm run dev')
  process.exit(1)
}
const vite = join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js')
const options = isRoot() ? ['--noSandbox'] : []
await replaceBy(process.execPath, [vite, 'dev', ...options, ...process.argv.slice(2)], { cwd: root, env: electronEnv() })
