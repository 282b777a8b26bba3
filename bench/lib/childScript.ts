import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { checkout } from '../../e2e/fixtures/launch'

/** `bench/lib/NAME.child.ts` as plain JavaScript: nothing of a bundler shall run beside what is measured. */
export function childScript(name: string): string {
  const source = join(checkout, `bench/lib/${name}.child.ts`)
  const folder = join(checkout, 'node_modules/.cache/snug')
  const target = join(folder, `${name}.mjs`)
  const { outputText } = ts.transpileModule(readFileSync(source, 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  })
  mkdirSync(folder, { recursive: true })
  writeFileSync(target, outputText)
  return target
}
