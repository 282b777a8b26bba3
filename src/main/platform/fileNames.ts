import { isAbsolute, join, relative, resolve } from 'node:path'
import { SnugError } from '@shared/errors'

/** Bytes of one name: 255 is the common limit, the rest is room for `.<download id>.part`. */
const maxNameBytes = 200
const maxDepth = 6
/** Device names of Windows, with any extension; the superscript digits count as digits there. */
const reserved = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i
// Control characters, what Windows refuses, and marks that change the direction in which a name is read.
// oxlint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u001f\u007f-\u009f<>:"|?*\\\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/

function refuse(name: string, reason: string): never {
  throw new SnugError('file/unsafe-name', `unsafe file name: ${reason}`, { name: name.slice(0, 300), reason })
}

/** Checks one component of a path that came from outside, and gives it in NFC, so that two spellings are one file. */
function safeComponent(component: string, whole: string): string {
  const name = component.normalize('NFC')
  if (name === '' || name === '.' || name === '..') refuse(whole, 'empty or dots')
  if (forbidden.test(name)) refuse(whole, 'forbidden character')
  if (/[. ]$/.test(name) || name.startsWith(' ')) refuse(whole, 'ends in a dot or a space')
  if (reserved.test(name)) refuse(whole, 'reserved name')
  if (Buffer.byteLength(name) > maxNameBytes) refuse(whole, 'too long')
  return name
}

/** A `/`-separated path from a hub, as checked components. */
export function safeComponents(path: string): string[] {
  const components = path.split('/')
  if (components.length > maxDepth) refuse(path, 'too deep')
  return components.map((component) => safeComponent(component, path))
}

/** Where a file of a repository goes: `folder/<owner>/<repo>/<file>`, surely inside the folder. */
export function modelPath(folder: string, repository: string, file: string): string {
  const owner = safeComponents(repository)
  if (owner.length !== 2) refuse(repository, 'not owner/name')
  const root = resolve(folder)
  const path = join(root, ...owner, ...safeComponents(file))
  const inside = relative(root, path)
  if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) refuse(file, 'outside the models folder')
  return path
}
