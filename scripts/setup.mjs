import { setup } from './lib/setup.mjs'

const known = new Set(['--full', '--quiet', '--tests', '--retry-electron'])
const wishes = process.argv.slice(2)
const unknown = wishes.filter((wish) => !known.has(wish))
if (unknown.length > 0) {
  console.error(`Unknown: ${unknown.join(' ')}
usage: node scripts/setup.mjs [--tests] [--full] [--retry-electron] [--quiet]
  --tests           also what only tests need (a display without a screen, a Chinese font)
  --full            also the second test model (253 MB)
  --retry-electron  try again to download the pinned Electron
  --quiet           say nothing when there is nothing to do`)
  process.exit(2)
}
const ready = await setup({
  full: wishes.includes('--full'),
  forTests: wishes.includes('--tests'),
  quiet: wishes.includes('--quiet'),
  retryElectron: wishes.includes('--retry-electron'),
})
process.exit(ready ? 0 : 1)
