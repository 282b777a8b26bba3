import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeWhole } from './lib/atomic.mjs'
import { isAllowed, shippedPackages } from './lib/licences.mjs'
import { root } from './lib/paths.mjs'

/** Writes THIRD_PARTY_NOTICES, or with --check says whether it is current and every licence is one that may ship. */
const path = join(root, 'THIRD_PARTY_NOTICES')
const packages = shippedPackages()
const refused = packages.filter((one) => !isAllowed(one.licence))
if (refused.length > 0) {
  console.error('These may not ship with Snug under their licences:')
  for (const one of refused) console.error(`  ${one.name} ${one.version}: ${one.licence}`)
  process.exit(1)
}

const text = render(packages)
if (!process.argv.includes('--check')) {
  writeWhole(path, text)
  console.log(`THIRD_PARTY_NOTICES: ${packages.length} packages`)
} else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
  console.error('THIRD_PARTY_NOTICES is not current: run `node scripts/notices.mjs` and commit it.')
  process.exit(1)
}

/** Equal texts are printed once, under all packages that carry them. */
function render(list) {
  const lines = [
    'Snug contains the following works of others. Their licences are listed here, their texts below.',
    '',
    'Electron and Chromium bring their own notices in the files LICENSE.electron.txt and LICENSES.chromium.html beside the program.',
    'node-llama-cpp carries llama.cpp and ggml (MIT, Copyright (c) 2023-2026 The ggml authors).',
    'better-sqlite3 carries SQLite, which is in the public domain.',
    '',
    ...list.map((one) => `${one.name} ${one.version} - ${one.licence}${one.source === '' ? '' : ` - ${one.source}`}`),
  ]
  const byText = new Map()
  for (const one of list) {
    if (one.text !== undefined) byText.set(one.text, [...(byText.get(one.text) ?? []), `${one.name} ${one.version}`])
  }
  for (const [licence, names] of byText) lines.push('', '-'.repeat(80), names.join(', '), '-'.repeat(80), '', licence)
  return `${lines.join('\n')}\n`
}
