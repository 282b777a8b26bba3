import { createHash } from 'node:crypto'
import { nameInAddress, partsOfAddress, plainAddress, readAddress } from '@shared/domain/address'
import type { Bytes } from '@shared/domain/units'
import { SnugError } from '@shared/errors'
import { strongEtag } from './downloadAnswer'
import { safeComponents } from './fileNames'
import { hubError } from './hubError'
import type { Network } from './network'

interface AddressedPart {
  name: string
  sizeBytes: Bytes
  etag: string | null
}

/** A GGUF at some address, of which nobody says what its bytes should be. */
export interface AddressedFile {
  /** Of a split file its first part. */
  address: string
  name: string
  parts: AddressedPart[]
  /** Another one when the file is another one, as far as the server tells. */
  revision: string
  /** The server gives ranges of a file that it names: what breaks off goes on. */
  resumable: boolean
}

/** Each part is a request. */
const maxParts = 100
const partsAtOnce = 4

/** Asks for one byte of each part: size and validator, without a method that some servers refuse. */
export async function lookAtAddress(network: Network, text: string, signal?: AbortSignal): Promise<AddressedFile> {
  const pasted = readAddress(text, { hub: [], modelScope: [] })
  if (pasted.kind !== 'file') {
    const usage = plainAddress(text) === null ? 'address' : 'notGguf'
    throw new SnugError('usage/invalid', 'not the plain http address of a .gguf', { exit: 'usage', usage })
  }
  const { address, name } = pasted
  const left = partsOfAddress(address)
  if (left.length === 0 || left.length > maxParts)
    throw new SnugError('model/unsupported', `it is split into ${left.length} parts; ${maxParts} are the limit here`, { name })
  const parts: (AddressedPart & { said: string[]; ranges: boolean })[] = []
  while (left.length > 0) {
    const some = left.splice(0, partsAtOnce)
    parts.push(...(await Promise.all(some.map((part) => lookAtPart(network, part, signal)))))
  }
  return {
    address,
    name,
    parts: parts.map(({ name: file, sizeBytes, etag }) => ({ name: file, sizeBytes, etag })),
    revision: createHash('sha1')
      .update(parts.flatMap(({ said }) => said).join('\n'))
      .digest('hex'),
    resumable: parts.every(({ ranges, etag }) => ranges && etag !== null),
  }
}

async function lookAtPart(network: Network, address: string, signal?: AbortSignal) {
  const url = new URL(address)
  const name = nameInAddress(address)
  safeComponents(name)
  const response = await network.request(url, {
    purpose: 'size',
    about: name,
    headers: { range: 'bytes=0-0' },
    ...(signal === undefined ? {} : { signal }),
  })
  response.close()
  const { status, headers } = response
  if (status !== 200 && status !== 206) throw hubError(response)
  if (/^text\/html\b/i.test(headers['content-type'] ?? ''))
    throw new SnugError('hub/bad-answer', 'a web page came instead of the file', { host: url.host, what: 'web-page' })
  const total = status === 206 ? /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] : headers['content-length']
  const sizeBytes = Number(total)
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0)
    throw new SnugError('hub/bad-answer', 'the server does not say how long the file is', { host: url.host, what: 'no-length' })
  const etag = strongEtag(headers.etag)
  const said = [address, String(sizeBytes), etag ?? headers['last-modified'] ?? '']
  return { name, sizeBytes, etag, said, ranges: status === 206 }
}
