import { join } from 'node:path'
import { checkCatalog } from './lib/catalogCheck.mjs'
import { readJson, root } from './lib/paths.mjs'

/** Whether the hub still has what `resources/catalog.json` names: `npm run catalog:check`, or with ids to check only those. See docs/models.md. */
const endpoint = (process.env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '')
const { entries } = readJson(join(root, 'resources/catalog.json'))
const wanted = process.argv.slice(2)
const unknown = wanted.filter((id) => !entries.some((entry) => entry.id === id))
if (unknown.length > 0) {
  console.error(`Not in the catalogue: ${unknown.join(', ')}`)
  process.exit(2)
}
const chosen = entries.filter((entry) => entry.repositories.length > 0 && (wanted.length === 0 || wanted.includes(entry.id)))

const { differences, unanswered, files } = await checkCatalog({ entries: chosen, endpoint })
if (files === 0 && differences.length === 0 && unanswered.length > 0) {
  const [why] = unanswered[0].split(': ').slice(-1)
  console.error(`Nothing was checked: ${endpoint} does not answer (${why}).
This needs the internet; where Hugging Face cannot be reached, set HF_ENDPOINT to a mirror.`)
} else {
  if (differences.length > 0) console.log(`${differences.join('\n')}\n`)
  console.log(`${chosen.length} models, ${files} files compared with ${endpoint}: ${differences.length} differences.`)
  if (unanswered.length > 0) console.error(`\nNot answered, so not checked:\n${unanswered.join('\n')}`)
}
process.exitCode = differences.length > 0 ? 1 : unanswered.length > 0 ? 2 : 0
