import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readJson, root } from './paths.mjs'

/** Licences under which a package may be handed on with Snug. */
const allowed = new Set([
  'MIT',
  'MIT-0',
  'ISC',
  '0BSD',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'Unlicense',
  'Python-2.0',
  'Zlib',
  'OFL-1.1',
])

/** What ships: packages that main loads from node_modules, and those that the sources name and the bundler puts in, each with all it needs. */
export function shippedPackages() {
  const found = new Map()
  const names = new Set([...Object.keys(readJson(join(root, 'package.json')).dependencies), ...importedPackages(join(root, 'src'))])
  // Provided by the runtime, which brings its own notices.
  names.delete('electron')
  for (const name of names) collect(name, root, found)
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1))
}

function importedPackages(folder) {
  const names = new Set()
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !/\.(tsx?|css)$/.test(entry.name) || /\.test\.tsx?$/.test(entry.name)) continue
    const text = readFileSync(join(entry.parentPath ?? entry.path, entry.name), 'utf8')
    const pattern = /(?:\bfrom|\bimport|@import)\s*\(?\s*['"]([^.'"/@][^'"/]*|@[a-z0-9-]+\/[^'"/]+)(?:\/[^'"]*)?['"]/g
    for (const [, name] of text.matchAll(pattern)) {
      if (!name.includes(':') && !name.startsWith('@shared/') && existsSync(join(root, 'node_modules', name, 'package.json')))
        names.add(name)
    }
  }
  return names
}

/** As Node resolves it: the nearest node_modules upwards. */
function locate(name, from) {
  for (let folder = from; folder.startsWith(root); folder = join(folder, '..')) {
    const path = join(folder, 'node_modules', name)
    if (existsSync(join(path, 'package.json'))) return path
  }
  return undefined
}

function collect(name, from, found) {
  const folder = locate(name, from)
  // Optional packages of other platforms are not there, and do not ship from here.
  if (folder === undefined) return
  const manifest = readJson(join(folder, 'package.json'))
  const key = `${manifest.name}@${manifest.version}`
  if (found.has(key) || name.startsWith('@types/')) return
  // A platform's prebuilt binaries have the licence of their parent; listing this machine's would differ from the next one's.
  const isPlatformPart = manifest.os !== undefined || manifest.cpu !== undefined
  if (!isPlatformPart) {
    found.set(key, {
      name: manifest.name,
      version: manifest.version,
      licence: licenceOf(manifest),
      text: textOf(folder),
      source: sourceOf(manifest),
    })
  }
  for (const needed of Object.keys(manifest.dependencies ?? {})) collect(needed, folder, found)
}

function licenceOf(manifest) {
  const stated = manifest.license ?? manifest.licenses?.[0] ?? 'UNKNOWN'
  return typeof stated === 'string' ? stated : (stated.type ?? 'UNKNOWN')
}

function textOf(folder) {
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)([.-].*)?$/i.test(name))
  return file === undefined ? undefined : readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim()
}

function sourceOf(manifest) {
  const stated = typeof manifest.repository === 'string' ? manifest.repository : manifest.repository?.url
  return (stated ?? manifest.homepage ?? '')
    .replace(/^git\+/, '')
    .replace(/\.git$/, '')
    .replace(/^git:/, 'https:')
}

/** "(MPL-2.0 OR Apache-2.0)" is fine when one of its choices is; with AND each part must be. */
export function isAllowed(licence) {
  const plain = licence.replace(/[()]/g, '')
  if (plain.includes(' AND ')) return plain.split(' AND ').every(isAllowed)
  return plain.split(' OR ').some((part) => allowed.has(part.trim()))
}
