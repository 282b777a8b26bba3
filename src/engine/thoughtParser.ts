import type { ThoughtMarkers } from '@shared/domain/thinking'

export interface Delta {
  segment: 'answer' | 'thought'
  text: string
}

/** Fed the generated text piece by piece; tells thought from answer, and keeps every marker's spelling out of both. */
export interface ThoughtParser {
  push(text: string): Delta[]
  /** The reply is over: gives what was held back. */
  end(): Delta[]
  readonly inThought: boolean
  /** A spelling that ends the answer was read: nothing after it is shown. */
  readonly ended: boolean
}

type Action = 'thought' | 'answer' | 'answer-begins' | 'end' | 'skip' | 'header'
interface Marker {
  spelling: string
  action: Action
}

/** A header whose middle grows beyond this is no header: models write channel names and a recipient, never a sentence. */
const longestHeader = 120

const markersOf = (groups: [readonly string[] | undefined, Action][]): Marker[] => {
  const seen = new Map<string, Marker>()
  for (const [spellings, action] of groups)
    for (const spelling of spellings ?? []) if (!seen.has(spelling)) seen.set(spelling, { spelling, action })
  return [...seen.values()].sort((a, b) => b.spelling.length - a.spelling.length)
}

/** Spellings mean different things in a thought and in an answer (`<|end|>` closes the one and ends the other). */
function tableOf(markers: ThoughtMarkers): Record<Delta['segment'], Marker[]> {
  const header = markers.header ? [markers.header.start] : []
  const shared: [readonly string[] | undefined, Action][] = [
    [markers.open, 'thought'],
    [markers.answerOpen, 'answer-begins'],
    [markers.skip, 'skip'],
    [header, 'header'],
  ]
  return {
    thought: markersOf([[markers.close, 'answer'], ...shared, [markers.answerClose, 'end']]),
    answer: markersOf([...shared, [markers.answerClose, 'end'], [markers.close, 'skip']]),
  }
}

/** Where the text's end could still become a marker: it is held back from there. */
function heldFrom(text: string, table: readonly Marker[]): number {
  const longest = table[0]?.spelling.length ?? 0
  for (let at = Math.max(0, text.length - longest + 1); at < text.length; at++) {
    const tail = text.slice(at)
    if (table.some(({ spelling }) => spelling.length > tail.length && spelling.startsWith(tail))) return at
  }
  return text.length
}

function firstMarker(text: string, table: readonly Marker[]): { at: number; marker: Marker } | null {
  let found: { at: number; marker: Marker } | null = null
  // longest first, so that of two at one place the longer is kept
  for (const marker of table) {
    const at = text.indexOf(marker.spelling)
    if (at >= 0 && (found === null || at < found.at)) found = { at, marker }
  }
  return found
}

class MarkerParser implements ThoughtParser {
  private readonly table: Record<Delta['segment'], Marker[]>
  private segment: Delta['segment']
  private pending = ''
  private header: string | null = null
  /** White space that stands at a border and is shown only if text of the same segment follows. */
  private space = ''
  private border: 'start' | 'drop' | 'none'
  ended = false

  constructor(
    private readonly markers: ThoughtMarkers,
    opensThought: boolean,
    /** A marker has closed a thought: from the answer's first letter on, its spelling is the model's own words (it explains `</think>`). */
    private closed: boolean,
    inAnswer: boolean,
  ) {
    this.table = tableOf(markers)
    this.segment = opensThought ? 'thought' : 'answer'
    this.border = inAnswer ? 'none' : opensThought ? 'drop' : 'start'
    if (inAnswer) this.closed = true
  }

  get inThought(): boolean {
    return this.segment === 'thought' && !this.ended
  }

  push(text: string): Delta[] {
    this.pending += text
    return this.read(false)
  }

  end(): Delta[] {
    const deltas = this.read(true)
    // what is left of a reply that was white space only
    if (this.segment === 'answer' && this.space !== '' && !this.ended) deltas.push({ segment: 'answer', text: this.space })
    this.space = ''
    return deltas
  }

  private read(final: boolean): Delta[] {
    const deltas: Delta[] = []
    while (!this.ended && this.pending !== '') {
      if (this.header !== null) {
        if (!this.readHeader(final)) break
        continue
      }
      const table = this.table[this.segment]
      const held = final ? this.pending.length : heldFrom(this.pending, table)
      const found = firstMarker(this.pending, table)
      if (found === null || held <= found.at) {
        this.write(this.pending.slice(0, held), deltas)
        this.pending = this.pending.slice(held)
        break
      }
      this.write(this.pending.slice(0, found.at), deltas)
      this.pending = this.pending.slice(found.at + found.marker.spelling.length)
      if (this.isText(found.marker)) this.write(found.marker.spelling, deltas)
      else this.act(found.marker)
    }
    if (this.ended) this.pending = ''
    return deltas
  }

  /** Reads up to the header's end; false where more text is needed. */
  private readHeader(final: boolean): boolean {
    const { header: kind } = this.markers
    if (!kind || this.header === null) return false
    const end = this.pending.indexOf(kind.end)
    if (end < 0 && !final && this.pending.length <= longestHeader) return false
    const middle = end < 0 ? '' : this.pending.slice(0, end)
    this.pending = end < 0 ? this.pending : this.pending.slice(end + kind.end.length)
    this.header = null
    const name = middle.trim().split(/\s+/)[0] ?? ''
    this.become(kind.answer.includes(name) ? 'answer' : 'thought')
    return true
  }

  private isText({ action, spelling }: Marker): boolean {
    const begun = this.segment === 'answer' && this.closed && this.border === 'none'
    return begun && action === 'skip' && this.markers.close.includes(spelling)
  }

  private act(marker: Marker): void {
    if (marker.action === 'answer') this.closed = true
    if (marker.action === 'thought') this.become('thought')
    else if (marker.action === 'answer' || marker.action === 'answer-begins') this.become('answer')
    else if (marker.action === 'end') this.ended = true
    else if (marker.action === 'header') this.header = ''
    else if (this.border !== 'none') {
      this.border = 'drop'
      this.space = ''
    }
  }

  private become(segment: Delta['segment']): void {
    this.segment = segment
    this.space = ''
    this.border = 'drop'
  }

  private write(text: string, deltas: Delta[]): void {
    let rest = text
    if (this.border !== 'none') {
      const trimmed = rest.trimStart()
      if (this.border === 'start') this.space += rest.slice(0, rest.length - trimmed.length)
      rest = trimmed
      if (rest === '') return
      this.border = 'none'
    }
    rest = this.space + rest
    this.space = ''
    if (this.segment === 'thought') {
      // white space before a closing marker belongs to the marker
      const trimmed = rest.trimEnd()
      this.space = rest.slice(trimmed.length)
      rest = trimmed
    }
    if (rest === '') return
    const last = deltas.at(-1)
    if (last?.segment === this.segment) last.text += rest
    else deltas.push({ segment: this.segment, text: rest })
  }
}

/** `closed`: the thought is over, or off, before the reply begins. `inAnswer`: even the answer has begun; the reply goes on with it. */
export function createThoughtParser(
  markers: ThoughtMarkers | null,
  opensThought: boolean,
  closed = false,
  inAnswer = false,
): ThoughtParser {
  if (markers !== null) return new MarkerParser(markers, opensThought, closed, inAnswer)
  return { push: (text) => (text === '' ? [] : [{ segment: 'answer', text }]), end: () => [], inThought: false, ended: false }
}

/** A whole text at once, e.g. an old assistant message that still holds its thought. */
export function splitThought(
  text: string,
  markers: ThoughtMarkers,
  opensThought: boolean,
): { thought: string; answer: string; open: boolean } {
  const parser = createThoughtParser(markers, opensThought)
  const deltas = [...parser.push(text)]
  const open = parser.inThought
  deltas.push(...parser.end())
  const join = (segment: Delta['segment']): string =>
    deltas.reduce((all, delta) => (delta.segment === segment ? all + delta.text : all), '')
  return { thought: join('thought'), answer: join('answer'), open }
}
