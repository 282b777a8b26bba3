import { maxTemperature, minTemperature, temperatureBand, temperatureBands } from '@shared/domain/temperature'

/** llama.cpp's own default (common/common.h, `temp = 0.80`), where neither a person nor the model says anything. */
export const engineTemperature = 0.8

const round = (value: number) => Math.round(value * 100) / 100

/** Arrows move 0.1, Page keys a band (to the value that the band's name begins with), Home and End to the ends; null: not ours. */
export function temperatureAfterKey(current: number, key: string): number | null {
  const clamp = (value: number) => round(Math.min(maxTemperature, Math.max(minTemperature, value)))
  const band = temperatureBands.indexOf(temperatureBand(current))
  switch (key) {
    case 'ArrowRight':
    case 'ArrowUp':
      return clamp(current + 0.1)
    case 'ArrowLeft':
    case 'ArrowDown':
      return clamp(current - 0.1)
    case 'PageUp':
      return temperatureBands[band + 1]?.named[0] ?? maxTemperature
    case 'PageDown':
      return temperatureBands[band - 1]?.named[0] ?? minTemperature
    case 'Home':
      return minTemperature
    case 'End':
      return maxTemperature
    default:
      return null
  }
}

/** "0.6", "0.65". */
export function temperatureText(value: number): string {
  const text = round(value).toFixed(2)
  return text.endsWith('0') ? text.slice(0, -1) : text
}
