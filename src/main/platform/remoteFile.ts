import { createHash } from 'node:crypto'
import { SnugError } from '@shared/errors'
import { strongEtag } from './downloadAnswer'
import { safeComponents } from './fileNames'
import { hubError } from './hubError'
import type { Network } from './network'

/** A GGUF at some address, of which nobody says what its bytes should be. */
export interface AddressedFile {
  address: string
  name: string
  sizeBytes: number
  etag: string | null
  /** Another one when the file is another one, as far as the server tells. */
  revision: string
}

/** Asks for one byte: size and validator, without a method that some servers refuse. */
export async function lookAtAddress(network: Network, text: string, signal?: AbortSignal): Promise<AddressedFile> {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new SnugError('usage/invalid', 'not a plain http address', { exit: 'usage', usage: 'address' })
  url.hash = ''
  const name = decodeName(url.pathname.split('/').at(-1) ?? '')
  if (!/\.gguf$/i.test(name))
    throw new SnugError('usage/invalid', 'the address does not end in .gguf', { exit: 'usage', usage: 'notGguf', name })
  if (/-\d{5}-of-\d{5}\.gguf$/i.test(name))
    throw new SnugError('model/unsupported', 'one part of a split file: its repository has the others', { name })
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
    throw new SnugError('hub/bad-answer', 'a web page came instead of the file', { host: url.host })
  const total = status === 206 ? /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] : headers['content-length']
  const sizeBytes = Number(total)
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0)
    throw new SnugError('hub/bad-answer', 'the server does not say how long the file is', { host: url.host })
  const etag = strongEtag(headers.etag)
  const said = [url.href, String(sizeBytes), etag ?? headers['last-modified'] ?? '']
  return { address: url.href, name, sizeBytes, etag, revision: createHash('sha1').update(said.join('\n')).digest('hex') }
}

function decodeName(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    // Not encoded at all: taken as it is, and checked like any other name.
    return name
  }
}
