import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './paths.mjs'
import { say } from './report.mjs'
import { must } from './run.mjs'
import { readRuntime } from './runtime.mjs'

/** Runs electron-builder on the runtime of this checkout and gives the folder of the unpacked app. */
export async function packageApp() {
  const runtime = readRuntime()
  if (runtime.electronKind === 'fallback') {
    say(`Note: this package holds Electron ${runtime.electronVersion}, the fallback. It is for tests on this machine; do not hand it on.`)
  }
  const work = mkdtempSync(join(tmpdir(), 'snug-package-'))
  try {
    const dist = join(work, 'electron')
    // A real copy: the fuses are written into the program, and the cached runtime must keep its own.
    await must('cp', ['-a', '--reflink=auto', runtime.electronDist, dist])
    // The fallback's default app would win over the packed one.
    rmSync(join(dist, 'resources', 'app'), { recursive: true, force: true })
    const options = [
      '--linux',
      'dir',
      '--publish',
      'never',
      `--config.electronDist=${dist}`,
      `--config.electronVersion=${runtime.electronVersion}`,
    ]
    const builder = join(root, 'node_modules', 'electron-builder', 'cli.js')
    await must(process.execPath, [builder, ...options], { cwd: root, env: { USE_HARD_LINKS: 'false' }, timeoutMs: 10 * 60_000 })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return join(root, 'dist', 'linux-unpacked')
}
