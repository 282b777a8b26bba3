import type { Dirent } from 'node:fs'
import { open, readFile, readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isProjector, isSideFile } from './hubFiles'

/** A model file as a folder holds it; read in place, never moved. */
export interface FoundFile {
  path: string
  /** `owner/name`, or `ollama/name:tag`, where the layout tells. */
  repository: string | null
  revision: string | null
}

const splitName = /^(.*)-(\d{5})-of-(\d{5})(\.gguf)$/i
/** P2: a file that claims more parts is not followed. */
const maxParts = 999
const maxDepth = 8
const maxEntries = 50_000
const commit = /^[0-9a-f]{40}$/
const hubFolder = /^models--(.+?)--(.+)$/

/** All files of a model, this one first: the name of a split one tells how many there are. */
export function partPaths(path: string): string[] {
  const match = splitName.exec(basename(path))
  if (match === null) return [path]
  const [, stem = '', , total = '', extension = ''] = match
  const count = Number(total)
  if (count < 2 || count > maxParts) return [path]
  return Array.from({ length: count }, (_, index) =>
    join(dirname(path), `${stem}-${String(index + 1).padStart(5, '0')}-of-${total}${extension}`),
  )
}

export interface ModelStat {
  sizeBytes: number
  mtimeMs: number
  /** Of the first part: the same for two names of one file. */
  identity: string
}

/** Size of all parts and the newest change; null when one is missing or is no plain file (a pipe, a device, a folder). */
export async function modelStat(path: string): Promise<ModelStat | null> {
  let sizeBytes = 0
  let mtimeMs = 0
  let identity = ''
  for (const part of partPaths(path)) {
    const facts = await stat(part).catch(() => null)
    if (facts === null || !facts.isFile()) return null
    sizeBytes += facts.size
    mtimeMs = Math.max(mtimeMs, facts.mtimeMs)
    identity ||= `${facts.dev}:${facts.ino}`
  }
  return { sizeBytes, mtimeMs, identity }
}

/** Of the disk that a folder lies on, or will: as the first half of `identity`. null where the system does not say. */
export async function deviceOf(folder: string): Promise<string | null> {
  for (let at = folder; ; at = dirname(at)) {
    const facts = await stat(at).catch(() => null)
    if (facts !== null) return String(facts.dev)
    if (dirname(at) === at) return null
  }
}

/** By its name, or by its first bytes where another program stores it under another. */
export async function mayBeModel(path: string): Promise<boolean> {
  if (/\.gguf$/i.test(path)) return true
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
    return buffer.toString('latin1', 0, bytesRead) === 'GGUF'
  } finally {
    await file.close()
  }
}

/** The models in a folder, whatever program laid it out: Ollama, the Hugging Face cache, or any tree of GGUF files. */
export async function findModels(folder: string): Promise<FoundFile[]> {
  const names = new Set((await list(folder)).map((entry) => entry.name))
  if (names.has('manifests') && names.has('blobs')) return await findOllama(folder)
  const found: FoundFile[] = []
  const cached = [...names].filter((name) => hubFolder.test(name))
  for (const name of cached) found.push(...(await findCached(join(folder, name), name)))
  found.push(...(await findTree(folder, (name) => !hubFolder.test(name))))
  return found
}

async function findTree(root: string, enter: (name: string) => boolean = () => true): Promise<FoundFile[]> {
  const found: FoundFile[] = []
  const seen = new Set<string>()
  let entries = 0
  const walk = async (folder: string, depth: number): Promise<void> => {
    const real = await realpath(folder).catch(() => null)
    // A link that leads back up would go on for ever.
    if (real === null || seen.has(real) || depth > maxDepth) return
    seen.add(real)
    for (const entry of await list(folder)) {
      if (++entries > maxEntries) return
      const path = join(folder, entry.name)
      const kind = await kindOf(entry, path)
      if (kind === 'folder' && !entry.name.startsWith('.') && entry.name !== 'node_modules' && enter(entry.name))
        await walk(path, depth + 1)
      else if (kind === 'file' && isListed(entry.name)) found.push({ path, repository: repositoryOf(root, path), revision: null })
    }
  }
  await walk(root, 0)
  return found
}

/** `models--owner--name/snapshots/COMMIT/…`, links to blobs. The commit of `refs/main` wins, so an old snapshot shows nothing twice. */
async function findCached(folder: string, name: string): Promise<FoundFile[]> {
  const match = hubFolder.exec(name)
  const repository = match === null ? null : `${match[1]}/${match[2]}`
  const main = (await readFile(join(folder, 'refs', 'main'), 'utf8').catch(() => '')).trim()
  const snapshots = (await list(join(folder, 'snapshots'))).map((entry) => entry.name).filter((entry) => commit.test(entry))
  const ordered = snapshots.sort((a, b) => Number(b === main) - Number(a === main))
  const found = new Map<string, FoundFile>()
  for (const revision of ordered) {
    const base = join(folder, 'snapshots', revision)
    for (const file of await findTree(base)) {
      const key = file.path.slice(base.length)
      if (!found.has(key)) found.set(key, { path: file.path, repository, revision })
    }
  }
  return [...found.values()]
}

/** `manifests/HOST/NAMESPACE/NAME/TAG` names a layer, whose bytes are a GGUF file in `blobs/sha256-…`. */
async function findOllama(folder: string): Promise<FoundFile[]> {
  const found: FoundFile[] = []
  for (const manifest of await filesBelow(join(folder, 'manifests'), 4)) {
    const facts = await stat(manifest).catch(() => null)
    if (facts === null || facts.size > 1_000_000) continue
    const digest = modelDigest(await readFile(manifest, 'utf8').catch(() => ''))
    if (digest === null) continue
    const [tag = '', name = '', namespace = ''] = manifest.split(/[\\/]/).reverse()
    const label = namespace === 'library' ? `${name}:${tag}` : `${namespace}/${name}:${tag}`
    found.push({ path: join(folder, 'blobs', `sha256-${digest}`), repository: `ollama/${label}`, revision: null })
  }
  return found
}

/** The digest is checked to be one: it becomes part of a path. */
function modelDigest(manifest: string): string | null {
  try {
    const layers: unknown = (JSON.parse(manifest) as { layers?: unknown } | null)?.layers
    if (!Array.isArray(layers)) return null
    for (const layer of layers as ({ mediaType?: unknown; digest?: unknown } | null)[]) {
      if (layer?.mediaType !== 'application/vnd.ollama.image.model' || typeof layer.digest !== 'string') continue
      return /^sha256[:-]([0-9a-f]{64})$/.exec(layer.digest)?.[1] ?? null
    }
    return null
  } catch {
    // Not a manifest: some other file in that tree.
    return null
  }
}

async function filesBelow(folder: string, depth: number): Promise<string[]> {
  const found: string[] = []
  for (const entry of await list(folder)) {
    const path = join(folder, entry.name)
    if (entry.isFile()) found.push(path)
    else if (entry.isDirectory() && depth > 0) found.push(...(await filesBelow(path, depth - 1)))
    if (found.length > 2_000) break
  }
  return found
}

/** GGUF files; of a split one the first part; no vision projectors or draft heads. */
function isListed(name: string): boolean {
  if (!/\.gguf$/i.test(name) || isProjector(name) || isSideFile(name)) return false
  const split = splitName.exec(name)
  return split === null || Number(split[2]) === 1
}

/** `FOLDER/owner/name/…/file`: how LM Studio and Snug lay out what they download. */
function repositoryOf(root: string, path: string): string | null {
  const [owner, name, ...rest] = path.slice(root.length + 1).split(/[\\/]/)
  return owner !== undefined && name !== undefined && rest.length > 0 && [owner, name].every((part) => /^[\w.-]+$/.test(part))
    ? `${owner}/${name}`
    : null
}

async function kindOf(entry: Dirent, path: string): Promise<'file' | 'folder' | null> {
  if (!entry.isSymbolicLink()) return entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : null
  const facts = await stat(path).catch(() => null)
  return facts === null ? null : facts.isFile() ? 'file' : facts.isDirectory() ? 'folder' : null
}

/** A folder that is gone or closed to us holds nothing. */
async function list(folder: string): Promise<Dirent[]> {
  return await readdir(folder, { withFileTypes: true }).catch(() => [])
}

/** The model that set-up left there. */
export async function starterIn(folder: string): Promise<string | null> {
  const files = await readdir(folder).catch(() => [])
  const file = files.find((name) => /^smollm2.*\.gguf$/i.test(name))
  return file === undefined ? null : join(folder, file)
}
