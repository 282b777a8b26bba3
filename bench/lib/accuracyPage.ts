import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { arch, cpus, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { checkout } from '../../e2e/fixtures/launch'
import type { Backend } from '../../src/shared/domain/hardware'
import { GiB } from '../../src/shared/domain/units'

/** What a table was measured on; names no more of a machine than its kind. */
export const machine = `${cpus()[0]?.model.trim() ?? arch()}, ${cpus().length} processors, ${Math.round(totalmem() / GiB)} GiB, ${type()}`

/** Puts the section of a benchmark where it was on docs/accuracy.md, or at the end of the page. */
export function writeAccuracySection(bench: `memory ${Backend}` | 'speed', lines: readonly string[]): void {
  const [begin, end] = [`<!-- bench ${bench}: written by the command above, not by hand -->`, `<!-- /bench ${bench} -->`]
  const file = join(checkout, 'docs/accuracy.md')
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '# Predicted and measured\n'
  const section = [begin, '', ...lines, '', end].join('\n')
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  writeFileSync(file, from >= 0 && to > from ? text.slice(0, from) + section + text.slice(to + end.length) : `${text}\n${section}\n`)
}
