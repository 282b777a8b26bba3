import { loadavg } from 'node:os'

/** One line of a benchmark. `ok` is true where there is no target: such a figure only stands beside the others. */
export interface Figure {
  figure: string
  value: number
  unit: string
  target: string | null
  ok: boolean
  /** Smallest and largest of the single measurements. */
  spread?: [number, number]
  /** What else a reader needs to judge it. */
  note?: string
  /** The machine's load average (1 minute) when the figure was made: what runs beside a benchmark shows in it. */
  load: number
}

interface More {
  unit?: string
  spread?: [number, number]
  note?: string
}

function rounded(value: number): number {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 3
  return Number(value.toFixed(digits))
}

function made(figure: string, value: number, target: string | null, ok: boolean, { unit = 'ratio', spread, note }: More): Figure {
  return {
    figure,
    value: rounded(value),
    unit,
    target,
    ok,
    ...(spread ? { spread: [rounded(spread[0]), rounded(spread[1])] } : {}),
    ...(note === undefined ? {} : { note }),
    load: Number((loadavg()[0] ?? 0).toFixed(2)),
  }
}

export function atLeast(figure: string, value: number, target: number, more: More = {}): Figure {
  return made(figure, value, `>= ${target}`, value >= target, more)
}

export function atMost(figure: string, value: number, target: number, more: More = {}): Figure {
  return made(figure, value, `<= ${target}`, value <= target, more)
}

/** Without a target. */
export function shown(figure: string, value: number, more: More = {}): Figure {
  return made(figure, value, null, true, more)
}

/** What goes on, for a person who waits; the figures alone go to standard output. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
