import { join } from 'node:path'
import { ensureBuilt } from './lib/build.mjs'
import { root } from './lib/paths.mjs'
import { say } from './lib/report.mjs'
import { replaceBy } from './lib/run.mjs'
import { electronBinary, electronEnv, hasDisplay, isRoot, readRuntime } from './lib/runtime.mjs'
import { setup } from './lib/setup.mjs'

const args = process.argv.slice(2)
if (!(await setup()) || !(await ensureBuilt())) process.exit(1)

if (!hasDisplay()) {
  say('There is no display here (DISPLAY and WAYLAND_DISPLAY are empty), so Snug starts in this terminal.')
  await replaceBy(process.execPath, [join(root, 'out/main/cli.js'), 'start', ...args])
}

const runtime = readRuntime()
if (runtime.electronKind === 'fallback') say(`Window by Electron ${runtime.electronVersion}: ${runtime.electronWhy}.`)
if (isRoot())
  say('Started as root, where the sandbox of the system does not work: the window runs without it (--no-sandbox). Prefer an ordinary user.')
const options = isRoot() ? ['--no-sandbox'] : []
await replaceBy(electronBinary(runtime.electronDist), [...options, root, ...args], { cwd: root, env: electronEnv(runtime) })
