/** Repositories asked at a time: the hub counts requests. */
const atOnce = 4
const timeoutMs = 20_000

/**
 * Entries of `resources/catalog.json` against what a hub lists now. `differences`: what is missing or has another size, as lines.
 * `unanswered`: repositories of which the hub said nothing (no network, too many requests): no difference, but no proof either.
 */
export async function checkCatalog({ entries, endpoint }) {
  const differences = []
  const unanswered = []
  const tasks = entries.flatMap((entry) => entry.repositories.map((repository, index) => ({ entry, repository, offered: index === 0 })))
  let files = 0
  const work = async () => {
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
      const { entry, repository, offered } = task
      const listing = await listed(endpoint, repository).catch((error) => ({ error }))
      if (listing.error !== undefined) unanswered.push(`${entry.id}: ${repository}: ${reasonOf(listing.error)}`)
      else if (listing.missing) differences.push(`${entry.id}: ${repository} is not there`)
      else if (offered) {
        files += entry.quantizations.length
        differences.push(...compareFiles(entry.quantizations, listing.sizes).map((line) => `${entry.id}: ${repository}: ${line}`))
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return { differences: differences.toSorted(byText), unanswered: unanswered.toSorted(byText), files }
}

const byText = (a, b) => a.localeCompare(b)

/** Sizes by path, or `missing`; the hub answers 401 for a repository that is not there, as it does for a private one. */
async function listed(endpoint, repository) {
  const sizes = new Map()
  let next = `${endpoint}/api/models/${repository}/tree/main?recursive=true`
  while (next !== null) {
    const response = await fetch(next, { signal: AbortSignal.timeout(timeoutMs), headers: { accept: 'application/json' } })
    if (response.status === 401 || response.status === 404) return { missing: true }
    if (!response.ok) throw new Error(`the hub answered ${response.status}`)
    for (const row of await response.json()) if (row.type === 'file') sizes.set(row.path, row.lfs?.size ?? row.size)
    const link = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('link') ?? '')
    next = link === null ? null : new URL(link[1], next).href
  }
  return { sizes }
}

export function compareFiles(quantizations, sizes) {
  return quantizations.flatMap(({ name, file, sizeBytes, listed: rounded }) => {
    if (file === undefined) return []
    const parts = partsOf(file)
    const gone = parts.filter((part) => !sizes.has(part))
    if (gone.length > 0) {
      const like = [...sizes.keys()].filter((path) => path.endsWith('.gguf') && path.toUpperCase().includes(name.toUpperCase()))
      return [`${name}: no ${gone.join(', ')}${like.length > 0 ? ` (but ${like.slice(0, 3).join(', ')})` : ''}`]
    }
    const seen = parts.reduce((sum, part) => sum + sizes.get(part), 0)
    const [wanted, off] = sizeBytes === undefined ? (rounded ?? [seen, 0]) : [sizeBytes, 0]
    return Math.abs(seen - wanted) <= off ? [] : [`${name}: ${seen} bytes, the catalogue says ${wanted}${off > 0 ? ` ± ${off}` : ''}`]
  })
}

/** `x-00001-of-00003.gguf` stands for its three parts. */
function partsOf(file) {
  const split = /^(.*-)00001(-of-(\d{5})\.gguf)$/.exec(file)
  if (split === null) return [file]
  return Array.from({ length: Number(split[3]) }, (_, index) => `${split[1]}${String(index + 1).padStart(5, '0')}${split[2]}`)
}

function reasonOf(error) {
  return error.cause?.code ?? error.cause?.message ?? error.message
}
