import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { writeJson } from './atomic.mjs'
import { withLock } from './lock.mjs'
import { readJson, root, sha256OfText, stateDir } from './paths.mjs'
import { say, seconds } from './report.mjs'
import { run } from './run.mjs'
import { electronEnv } from './runtime.mjs'

const inputs = ['src', 'resources', 'electron.vite.config.ts', 'tsconfig.json', 'package.json', 'package-lock.json']
const stamp = join(root, 'out', 'built.json')
const outputs = ['out/main/index.js', 'out/main/cli.js', 'out/main/engine.js', 'out/preload/index.cjs', 'out/renderer/index.html']

/** Builds when a source is not as it was at the last build; gives false when the build fails. */
export async function ensureBuilt({ force = false } = {}) {
  if (!force && isFresh(sourceKey())) return true
  return withLock(join(stateDir, 'build.lock'), async ({ noteChild }) => {
    const key = sourceKey()
    // Another build may have done it while this one waited.
    if (!force && isFresh(key)) return true
    rmSync(stamp, { force: true })
    const began = performance.now()
    say('Building …')
    const vite = join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js')
    const result = await run(process.execPath, [vite, 'build', '--logLevel', 'warn'], { cwd: root, env: electronEnv(), onStart: noteChild })
    const said = `${result.stdout}${result.stderr}`.trim()
    if (result.code !== 0) {
      say(`${said}\nThe build failed; the lines above say where.`)
      return false
    }
    // Written last: a build that was killed is done again.
    writeJson(stamp, { key })
    say(`Built in ${seconds(performance.now() - began)}.`)
    return true
  })
}

function isFresh(key) {
  return readJson(stamp)?.key === key && outputs.every((path) => existsSync(join(root, path)))
}

/** Names, sizes and times of all sources; tests are not built. */
function sourceKey() {
  const lines = []
  for (const input of inputs) collect(join(root, input), lines)
  return sha256OfText(lines.join('\n'))
}

function collect(path, lines) {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return
  if (stats.isDirectory()) {
    for (const name of readdirSync(path).toSorted()) collect(join(path, name), lines)
  } else if (!/\.test\.tsx?$/.test(path)) {
    lines.push(`${relative(root, path)} ${stats.size} ${stats.mtimeMs}`)
  }
}
