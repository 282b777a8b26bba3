import type { RepositoryFiles } from '@shared/domain/library'
import { compareQuantizations, quantizationInName } from '@shared/domain/quantization'
import type { Bytes } from '@shared/domain/units'

/** One file as a repository lists it. */
export interface HubFile {
  path: string
  sizeBytes: Bytes
  /** Of LFS files; this is what the file is verified against. */
  sha256: string | null
  /** Git's own hash of a small file that is no LFS file: sha1 over `blob <size>\0` and the content. */
  gitSha1: string | null
  /** Where files have a revision each. */
  revision?: string
}

export interface FileGroup {
  quantization: string
  /** The only file, or the first part. */
  file: string
  parts: string[]
  sizeBytes: Bytes
  /** null for a split file: each part has its own. */
  sha256: string | null
}

export interface HubListing extends RepositoryFiles {
  groups: FileGroup[]
  files: HubFile[]
  /** Vision projectors (`mmproj`): no model to chat with. */
  projectors: HubFile[]
}

const splitName = /-(\d{5})-of-(\d{5})\.gguf$/i
/** P2: more parts than this is a joke at our cost. */
const maxParts = 999

export function isProjector(path: string): boolean {
  return /(^|[-_./])mmproj([-_.]|$)/i.test(path)
}

/** Lies beside a model and is none to chat with by itself: draft heads, importance matrices, speech codecs. */
export function isSideFile(path: string): boolean {
  return /(^|\/)(mtp|eagle3|dflash|dspark|imatrix|vocoder|tokenizer|audiodecoder)[-_.][^/]*$/i.test(path)
}

/** GGUF files by quantization, split parts together; incomplete split files are left out. Smallest quantization first. */
export function groupFiles(files: readonly HubFile[]): FileGroup[] {
  const stems = new Map<string, HubFile[]>()
  for (const file of files) {
    if (!/\.gguf$/i.test(file.path) || isProjector(file.path) || isSideFile(file.path)) continue
    const stem = file.path.replace(splitName, '').replace(/\.gguf$/i, '')
    const split = splitName.exec(file.path)
    // A whole file and a split one of the same stem are two choices.
    const key = split === null ? stem : `${stem}\n${split[2]}`
    stems.set(key, [...(stems.get(key) ?? []), file])
  }
  const groups: FileGroup[] = []
  for (const parts of stems.values()) {
    parts.sort((a, b) => a.path.localeCompare(b.path, 'en'))
    const [first] = parts
    if (first === undefined || !isComplete(parts)) continue
    groups.push({
      quantization: quantizationInName(first.path.replace(splitName, '.gguf')) ?? 'unknown',
      file: first.path,
      parts: parts.map((part) => part.path),
      sizeBytes: parts.reduce((sum, part) => sum + part.sizeBytes, 0),
      sha256: parts.length === 1 ? first.sha256 : null,
    })
  }
  return groups.sort((a, b) => compareQuantizations(a.quantization, b.quantization) || a.sizeBytes - b.sizeBytes)
}

function isComplete(parts: readonly HubFile[]): boolean {
  const split = splitName.exec(parts[0]?.path ?? '')
  if (split === null) return parts.length === 1
  const count = Number(split[2])
  if (count > maxParts || parts.length !== count) return false
  return parts.every((part, index) => Number(splitName.exec(part.path)?.[1]) === index + 1)
}
