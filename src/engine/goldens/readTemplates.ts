import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const bundle = fileURLToPath(new URL('../../../node_modules/node-llama-cpp/llama/gitRelease.bundle', import.meta.url))

/** For tests: llama.cpp's own chat templates, from the source bundle that node-llama-cpp ships (1–3 s the first time, then cached). */
export function readTemplates(): { name: string; template: string }[] {
  const { size, mtimeMs } = statSync(bundle)
  const cached = join(tmpdir(), `snug-templates-${size}-${Math.round(mtimeMs)}`)
  if (!existsSync(cached)) {
    const fresh = mkdtempSync(join(tmpdir(), 'snug-templates-new-'))
    const git = (...args: string[]): Buffer => execFileSync('git', args, { stdio: ['ignore', 'ignore', 'pipe'] })
    git('clone', '-q', '--no-checkout', bundle, fresh)
    git('-C', fresh, 'checkout', '-q', 'HEAD', '--', 'models/templates')
    rmSync(join(fresh, '.git'), { recursive: true })
    try {
      renameSync(fresh, cached)
    } catch (error) {
      // another test run was quicker
      rmSync(fresh, { recursive: true })
      if (!existsSync(cached)) throw error
    }
  }
  const folder = join(cached, 'models/templates')
  return readdirSync(folder)
    .filter((file) => file.endsWith('.jinja'))
    .sort()
    .map((file) => ({ name: file.slice(0, -'.jinja'.length), template: readFileSync(join(folder, file), 'utf8') }))
}
