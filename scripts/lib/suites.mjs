import { join } from 'node:path'
import { readJson, root } from './paths.mjs'
import { say } from './report.mjs'
import { run } from './run.mjs'
import { electronEnv, readRuntime } from './runtime.mjs'

/** Counts come from each runner's own JSON; a runner that left none has failed, whatever it printed. */
export async function runVitest({ results, name, choice, full, env }) {
  const report = join(results, `${name}.json`)
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...reporters, ...choice]
  const { code } = await run(process.execPath, args, { cwd: root, show: true, env: { ...env, SNUG_TEST_FULL: full ? '1' : '' } })
  const json = readJson(report)
  if (json === undefined) return { passed: 0, failed: 1, skipped: 0 }
  // A file that does not load has no tests to count, and an error outside of any test only shows in the exit code.
  const unloaded = json.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length
  const failed = json.numFailedTests + unloaded
  return {
    passed: json.numPassedTests,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: json.numPendingTests + json.numTodoTests,
  }
}

export async function runPlaywright({
  folder,
  results,
  name,
  wrap = (command, args) => [command, args],
  grep,
  grepInvert,
  env,
  specs = [],
}) {
  const report = join(results, `${name}.json`)
  const runner = join(folder, 'node_modules/@playwright/test/cli.js')
  const args = [runner, 'test', '--config', join(folder, 'e2e/playwright.config.ts'), '--pass-with-no-tests', ...specs]
  if (grep !== undefined) args.push('--grep', grep)
  if (grepInvert !== undefined) args.push('--grep-invert', grepInvert)
  const runtime = readRuntime(folder)
  const [command, commandArgs] = wrap(process.execPath, args)
  const { code } = await run(command, commandArgs, {
    cwd: folder,
    show: true,
    env: { ...electronEnv(runtime), ...env, PLAYWRIGHT_JSON_OUTPUT_NAME: report },
  })
  const stats = readJson(report)?.stats
  if (stats === undefined) return { passed: 0, failed: 1, skipped: 0 }
  const failed = stats.unexpected
  return { passed: stats.expected + stats.flaky, failed: failed === 0 && code !== 0 ? 1 : failed, skipped: stats.skipped }
}

export function addCounts(total, title, counts) {
  for (const key of ['passed', 'failed', 'skipped']) total[key] += counts[key]
  say(`${title}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped.\n`)
}
