import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { root } from './lib/paths.mjs'
import { styleProblems } from './lib/styles.mjs'

/** Features are islands in their styles, too (scripts/lib/styles.mjs); proven by a planted violation in scripts/styles.test.ts. */
const features = join(root, 'src/renderer/features')
const styled = readdirSync(features).flatMap((feature) => styles(join(features, feature)).map((style) => ({ ...style, feature })))
const problems = styleProblems(styles(join(root, 'src/renderer/ui')), styled)
if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exit(1)
}

function styles(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.css'))
  return names.map((name) => ({ file: relative(root, join(folder, name)), text: readFileSync(join(folder, name), 'utf8') }))
}
