import { formatBytes, formatCount, formatFigures, formatGiB, formatParameters, formatPercent } from '@shared/domain/format'
import type { Language } from '@shared/domain/settings'
import { type Bytes, GiB, type Range } from '@shared/domain/units'

// Both languages write digits alike, so plain figures need no language; units in words do.

export const count = (value: number): string => formatCount(value, 'en')
export const size = (bytes: Bytes): string => formatBytes(bytes, 'en')
export const parameters = (value: number): string => formatParameters(value, 'en')
export const percent = (fraction: number): string => formatPercent(fraction, 'en')

/** Bytes as GiB where the unit is written once beside it; two decimals when `fine`. */
export function gib(bytes: Bytes, fine = false): string {
  return formatGiB(bytes, 'en', fine ? 2 : bytes >= 100 * GiB ? 0 : 1)
}

/** Downloads are counted as the network counts them: powers of ten. */
export function perSecond(bytesPerSecond: number): string {
  if (bytesPerSecond >= 1e9) return `${(bytesPerSecond / 1e9).toFixed(1)} GB/s`
  if (bytesPerSecond >= 1e6) return `${(bytesPerSecond / 1e6).toFixed(1)} MB/s`
  return `${Math.round(bytesPerSecond / 1e3)} kB/s`
}

/** Tokens per second: two figures below ten, whole from a hundred. */
export function speed(value: number): string {
  if (value >= 100) return count(value)
  return value >= 10 ? value.toFixed(1) : value.toPrecision(2)
}

/** A prediction is a range: "37–42". */
export const range = (ends: Range): string => formatFigures(ends, 'en')

/** Seconds in words without decimals. */
export function timeLeft(seconds: number, language: Language): string {
  const chinese = language === 'zh-CN'
  const s = Math.max(1, Math.round(seconds))
  if (s < 60) return chinese ? `${s} 秒` : `${s} s`
  const minutes = Math.round(s / 60)
  if (minutes < 60) return chinese ? `${minutes} 分钟` : `${minutes} min`
  const hours = Math.floor(minutes / 60)
  const rest = minutes % 60
  if (rest === 0) return chinese ? `${hours} 小时` : `${hours} h`
  return chinese ? `${hours} 小时 ${rest} 分钟` : `${hours} h ${rest} min`
}

/** Milliseconds of waiting: 0.19 s below ten seconds, then whole seconds. */
export function seconds(ms: number): string {
  const value = ms / 1000
  if (value < 1) return value.toFixed(2)
  return value < 10 ? value.toFixed(1) : count(value)
}

export function dateAndTime(at: number, language: Language): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short', hour12: false }).format(at)
}

export function timeOfDay(at: number, language: Language): string {
  return new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', hour12: false }).format(at)
}

/** `zh` → Chinese, 中文. */
export function languageName(code: string, language: Language): string {
  return new Intl.DisplayNames(language, { type: 'language' }).of(code) ?? code
}
