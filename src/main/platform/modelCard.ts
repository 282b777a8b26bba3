import { SnugError } from '@shared/errors'
import { hubError } from './hubError'
import type { Network } from './network'

/** What a maker writes about a model, to be shown and never obeyed. */
export interface CardText {
  text: string
  /** There is more of it at the hub. */
  cut: boolean
}

/** Cards are some kilobytes; what is longer is a table of results or a joke at our cost. */
const maxBytes = 100_000

/** null where there is no such file. */
export async function fetchCard(
  network: Pick<Network, 'request'>,
  address: string,
  { about, signal }: { about: string; signal?: AbortSignal | undefined },
): Promise<CardText | null> {
  const response = await network.request(address, { purpose: 'card', about, signal, headers: { accept: 'text/plain, text/markdown' } })
  try {
    if (response.status === 404 && !/^(Repo|Revision)NotFound$/.test(response.headers['x-error-code'] ?? '')) return null
    if (response.status !== 200) throw hubError(response)
    if (/^text\/html\b/i.test(response.headers['content-type'] ?? ''))
      throw new SnugError('hub/bad-answer', 'a web page came instead of the card', { host: response.url.host })
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > maxBytes) break
    }
    return cardText(Buffer.concat(chunks))
  } catch (cause) {
    if (cause instanceof SnugError) throw cause
    throw new SnugError('hub/unreachable', 'the card did not arrive', { host: response.url.host }, { cause })
  } finally {
    response.close()
  }
}

/** Text without what is meant for machines (the YAML between two lines of dashes). Bytes that are no UTF-8 become replacement marks. */
export function cardText(bytes: Buffer): CardText {
  const whole = new TextDecoder('utf-8').decode(bytes.subarray(0, maxBytes)).replaceAll('\0', '\u{FFFD}')
  const lines = whole.replace(/^---[ \t]*\r?\n(?:[\s\S]*?\r?\n)??---[ \t]*(?:\r?\n|$)/, '').split(/\r?\n/)
  return { text: inBlocks(lines.flatMap(pieces).map(shallow)).join('\n').trim(), cut: bytes.length > maxBytes }
}

/** Marks of quotes and lists at the beginning of a line nest; thousands of them would keep a renderer busy for minutes. */
function shallow(line: string): string {
  const marks = /^(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t])))+/.exec(line)?.[0] ?? ''
  return marks.length > 60 ? line.slice(marks.length).trimStart() : line
}

/** The time that a paragraph of Markdown takes grows with the square of its length: 0.1 s for 8,000 characters of code marks, 3 s for 40,000. */
const longestBlock = 8_000
/** A list of files is long and harmless. */
const longestTable = 30_000

function pieces(line: string): string[] {
  return line.length <= longestBlock ? [line] : (line.match(new RegExp(`.{1,${longestBlock}}`, 'gsu')) ?? [])
}

/** A paragraph that is too long becomes several. */
function inBlocks(lines: readonly string[]): string[] {
  const out: string[] = []
  let length = 0
  for (const line of lines) {
    const limit = line.startsWith('|') ? longestTable : longestBlock
    if (line.trim() === '') length = 0
    else if (length > 0 && length + line.length > limit) {
      out.push('')
      length = 0
    }
    length += line.length
    out.push(line)
  }
  return out
}
