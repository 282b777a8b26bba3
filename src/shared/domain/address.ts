import { hfMirror, huggingFace } from './settings'
import { modelScope } from './source'

/** Addresses of the hubs whose web pages are read; each may lie below a path. */
export interface KnownHubs {
  hub: readonly string[]
  modelScope: readonly string[]
}

/** What an address names. */
export type Pasted =
  | { kind: 'repository'; repository: string; quantization: string | null }
  /** A file as a repository has it now, of a split one the first part: its hub tells the hash. */
  | { kind: 'hub-file'; repository: string; file: string }
  /** Any other file: of a split one, whichever part was named, its first. */
  | { kind: 'file'; address: string; name: string }
  | { kind: 'other' }

/** Pages of Hugging Face that look like `owner/name`. */
const noOwners: ReadonlySet<string> = new Set(
  'api blog chat collections datasets docs join learn login models new organizations papers posts pricing settings spaces tasks'.split(' '),
)
const part = /-(\d{5})-of-(\d{5})(?=\.gguf$)/i

/** Whether a text is meant as an address at all. */
export function isAddress(text: string): boolean {
  return /^\s*https?:\/\//i.test(text)
}

/** The hub in use, the known ones, and ModelScope's. */
export function knownHubs(endpoint: string, modelScopeEndpoint: string): KnownHubs {
  return {
    hub: [endpoint, huggingFace, hfMirror, 'https://www.huggingface.co', 'https://hf.co'],
    modelScope: [modelScopeEndpoint, modelScope, modelScope.replace('://', '://www.')],
  }
}

/** From what a person copies in a browser: the page of a repository or of one file, a download link, any address of a GGUF. */
export function readAddress(text: string, hubs: KnownHubs): Pasted {
  const url = plainAddress(text)
  if (url === null) return { kind: 'other' }
  for (const there of hubs.hub.flatMap((hub) => below(url, hub))) {
    const found = atHub(there, url)
    if (found !== null) return found
  }
  for (const there of hubs.modelScope.flatMap((hub) => below(url, hub))) {
    const found = atModelScope(there, url)
    if (found !== null) return found
  }
  return plainFile(url)
}

/** More than any real model has; a name can say 99,999. */
const mostParts = 1_000

/** Without what only a browser needs; null: no address, not of the web, or one with a password in it. */
export function plainAddress(text: string): URL | null {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : null
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return null
  url.hash = ''
  return url
}

/** Of a split file all parts, first to last; of any other itself. */
export function partsOfAddress(address: string): string[] {
  const count = Math.min(mostParts, Number(part.exec(new URL(address).pathname)?.[2] ?? 1))
  return Array.from({ length: count }, (_, index) => partOfAddress(address, String(index + 1).padStart(5, '0')))
}

/** The address of the part that has this number or this name. */
export function partOfAddress(address: string, named: string): string {
  const url = new URL(address)
  const number = part.exec(named)?.[1] ?? named
  url.pathname = url.pathname.replace(part, (_, _number, count: string) => `-${number}-of-${count}`)
  return url.href
}

function firstPart(name: string): string {
  return name.replace(part, (_, _number, count: string) => `-00001-of-${count}`)
}

/** The last piece of its path. */
export function nameInAddress(address: string): string {
  return decoded(new URL(address).pathname.split('/').at(-1) ?? '')
}

/** Without what tells the part. */
export function wholeName(name: string): string {
  return name.replace(part, '')
}

/** The path below a hub, where the address lies there. */
function below(url: URL, hub: string): string[] {
  if (!URL.canParse(hub)) return []
  const { origin, pathname } = new URL(hub)
  const base = pathname.replace(/\/+$/, '')
  return url.origin === origin && url.pathname.startsWith(`${base}/`) ? [url.pathname.slice(base.length)] : []
}

function atHub(path: string, url: URL): Pasted | null {
  const [, owner = '', name = '', quantization, rest = ''] = /^\/([\w.-]+)\/([\w.-]+)(?::([\w.-]+))?(\/.*)?$/.exec(path) ?? []
  if (owner === '' || noOwners.has(owner.toLowerCase()) || /\.gguf$/i.test(name)) return null
  const repository = `${owner}/${name}`
  const [, revision = '', file = ''] = /^\/(?:blob|resolve|raw)\/([^/]+)\/(.+)$/.exec(rest) ?? []
  if (file === '') return { kind: 'repository', repository, quantization: quantization ?? null }
  if (!/\.gguf$/i.test(file)) return { kind: 'other' }
  return revision === 'main' ? { kind: 'hub-file', repository, file: firstPart(decoded(file)) } : plainFile(url)
}

function atModelScope(path: string, url: URL): Pasted | null {
  const [, plain = '', rest = ''] = /^\/(?:api\/v1\/)?models\/([\w.-]+\/[\w.-]+)(\/.*)?$/.exec(path) ?? []
  if (plain === '') return null
  const repository = `ms:${plain}`
  const asked = url.searchParams
  const [, revision = '', file = ''] =
    rest === '/repo'
      ? [rest, asked.get('Revision') ?? 'master', asked.get('FilePath') ?? '']
      : (/^\/(?:file\/view|resolve)\/([^/]+)\/(.+)$/.exec(rest) ?? [])
  if (file === '') return { kind: 'repository', repository, quantization: null }
  if (!/\.gguf$/i.test(file)) return { kind: 'other' }
  if (revision === 'master') return { kind: 'hub-file', repository, file: firstPart(decoded(file)) }
  url.pathname = url.pathname.replace('/file/view/', '/resolve/')
  return plainFile(url)
}

function plainFile(url: URL): Pasted {
  if (!/\.gguf$/i.test(decoded(url.pathname))) return { kind: 'other' }
  // The page of a file, at a hub that is not known here.
  url.pathname = url.pathname.replace(/^(\/[^/]+\/[^/]+)\/blob\//, '$1/resolve/')
  const address = partOfAddress(url.href, '00001')
  return { kind: 'file', address, name: nameInAddress(address) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // Not encoded at all: taken as it is.
    return text
  }
}
