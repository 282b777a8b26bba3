import type { Language } from './settings'
import { type Bytes, GiB, KiB, MiB, type Range } from './units'

/** Numbers as a person reads them. GiB, tok/s and seconds exist only here. */

const formats = new Map<string, Intl.NumberFormat>()

function number(value: number, digits: number, language: Language): string {
  const key = `${language}/${digits}`
  let format = formats.get(key)
  if (format === undefined) {
    format = new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits })
    formats.set(key, format)
  }
  return format.format(value)
}

/** `10.3 GiB`, `763 MiB`, `12 KiB`: one decimal below 100 of the unit for GiB, none otherwise. */
export function formatBytes(bytes: Bytes, language: Language): string {
  const size = Math.abs(bytes)
  if (size >= 0.95 * GiB) return `${number(bytes / GiB, size < 100 * GiB ? 1 : 0, language)} GiB`
  if (size >= MiB) return `${number(bytes / MiB, 0, language)} MiB`
  if (size >= KiB) return `${number(bytes / KiB, 0, language)} KiB`
  return `${number(bytes, 0, language)} B`
}

/** `10.3` of a sum whose unit is written once; always GiB. */
export function formatGiB(bytes: Bytes, language: Language, digits = 1): string {
  return number(bytes / GiB, digits, language)
}

export function formatBytesRange(range: Range, language: Language): string {
  if (range[0] === range[1]) return formatBytes(range[0], language)
  if (range[1] < 0.95 * GiB) return `${number(range[0] / MiB, 0, language)}–${number(range[1] / MiB, 0, language)} MiB`
  const digits = range[1] >= 10 * GiB ? 0 : 1
  return `${formatGiB(range[0], language, digits)}–${formatGiB(range[1], language, digits)} GiB`
}

function speedDigits(value: number): number {
  return value < 10 ? 1 : 0
}

/** `37–42 tok/s` while predicted, `38.2 tok/s` once measured. */
export function formatSpeed(speed: number | Range, language: Language): string {
  if (typeof speed === 'number') return `${number(speed, speed < 100 ? 1 : 0, language)} tok/s`
  const [low, high] = speed
  if (low === high) return formatSpeed(low, language)
  const digits = speedDigits(high)
  return `${number(low, digits, language)}–${number(high, digits, language)} tok/s`
}

/** `37–42` of a prediction whose unit stands beside it: two figures below ten, one number where both ends read the same. */
export function formatFigures([low, high]: Range, language: Language): string {
  const text = (value: number): string => (value >= 10 ? number(value, 0, language) : value.toPrecision(2))
  const [from, to] = [text(low), text(high)]
  return from === to ? from : `${from}–${to}`
}

/** `14.8B`, `135M`; a person counts parameters in billions. */
export function formatParameters(parameters: number, language: Language): string {
  if (parameters >= 99.5e9) return `${number(parameters / 1e9, 0, language)}B`
  if (parameters >= 0.95e9) return `${number(parameters / 1e9, 1, language)}B`
  return `${number(parameters / 1e6, 0, language)}M`
}

export function formatCount(value: number, language: Language): string {
  return number(value, 0, language)
}

export function formatPercent(fraction: number, language: Language, digits = 0): string {
  return language === 'zh-CN' ? `${number(fraction * 100, digits, language)}%` : `${number(fraction * 100, digits, language)} %`
}

interface DurationWords {
  ms: string
  s: string
  min: string
  h: string
  gap: string
}

const durationWords: Readonly<Record<Language, DurationWords>> = {
  en: { ms: 'ms', s: 's', min: 'min', h: 'h', gap: ' ' },
  'zh-CN': { ms: '毫秒', s: '秒', min: '分', h: '小时', gap: ' ' },
}

/** A wait that is not known exactly: `0.4–0.9 s`, `12–20 s`, one figure where both ends read the same. */
export function formatWait([low, high]: Range, language: Language): string {
  const words = durationWords[language]
  const text = (ms: number): string => (high < 59_500 ? number(ms / 1000, high < 9_950 ? 1 : 0, language) : formatDuration(ms, language))
  const [from, to] = [text(low), text(high)]
  return `${from === to ? from : `${from}–${to}`}${high < 59_500 ? words.gap + words.s : ''}`
}

/** `840 ms`, `0.19 s` below ten seconds, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(ms: number, language: Language): string {
  const words = durationWords[language]
  const join = (value: string, unit: string): string => `${value}${words.gap}${unit}`
  if (ms < 100) return join(number(ms, 0, language), words.ms)
  if (ms < 9_950) return join(number(ms / 1000, ms < 1000 ? 2 : 1, language), words.s)
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return join(number(seconds, 0, language), words.s)
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) {
    const rest = seconds % 60
    return rest === 0 ? join(String(minutes), words.min) : `${join(String(minutes), words.min)} ${join(String(rest), words.s)}`
  }
  const rest = minutes % 60
  const hours = join(number(Math.floor(minutes / 60), 0, language), words.h)
  return rest === 0 ? hours : `${hours} ${join(String(rest), words.min)}`
}
