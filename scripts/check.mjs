import { join } from 'node:path'
import { root } from './lib/paths.mjs'
import { seconds } from './lib/report.mjs'
import { run } from './lib/run.mjs'
import { setup } from './lib/setup.mjs'

/** Everything that can be said of the sources without running them; two at a time, since a small machine has two cores. */
const modules = join(root, 'node_modules')
/** @type {[name: string, program: string, args: string[]][]} */
const checks = [
  ['types', 'typescript/bin/tsc', ['-p', 'tsconfig.node.json', '--pretty', 'false']],
  ['types of the page', 'typescript/bin/tsc', ['-p', 'tsconfig.web.json', '--pretty', 'false']],
  ['types of window tests', 'typescript/bin/tsc', ['-p', 'tsconfig.e2e.json', '--pretty', 'false']],
  ['dead code', 'knip/bin/knip.js', ['--no-progress', '--cache', '--cache-location', join(modules, '.cache', 'knip')]],
  ['lint', 'oxlint/bin/oxlint', ['--type-aware', '--deny-warnings', '--format', 'unix', 'src', 'e2e', 'bench', 'scripts']],
  ['dependency rules', 'dependency-cruiser/bin/dependency-cruise.mjs', ['--config', '.dependency-cruiser.mjs', 'src', 'e2e', 'bench']],
  ['format', '@biomejs/biome/bin/biome', ['format', '.']],
  ['languages', join(root, 'scripts/i18n.mjs'), []],
  ['styles', join(root, 'scripts/styles.mjs'), []],
  ['licences', join(root, 'scripts/notices.mjs'), ['--check']],
]

if (!(await setup({ quiet: true }))) process.exit(1)
const only = process.argv.slice(2)
const unknown = only.filter((name) => !checks.some(([known]) => known === name))
if (unknown.length > 0) {
  console.error(`usage: npm run check [-- NAME…]\n  NAME: ${checks.map(([name]) => `"${name}"`).join(' ')}`)
  process.exit(2)
}

const began = performance.now()
const waiting = checks.filter(([name]) => only.length === 0 || only.includes(name))
const failed = []
await Promise.all([worker(), worker()])
console.log(failed.length === 0 ? `All checks passed in ${seconds(performance.now() - began)}.` : `Failed: ${failed.join(', ')}`)
process.exit(failed.length === 0 ? 0 : 1)

async function worker() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [name, program, args] = next
    const start = performance.now()
    const script = program.startsWith(root) ? program : join(modules, program)
    const result = await run(process.execPath, [script, ...args], { cwd: root, env: { NO_COLOR: '1', FORCE_COLOR: '0' } })
    const took = seconds(performance.now() - start)
    if (result.code === 0) {
      console.log(`ok    ${name} (${took})`)
    } else {
      failed.push(name)
      console.log(`FAIL  ${name} (${took})\n${`${result.stdout}${result.stderr}`.trim()}\n`)
    }
  }
}
