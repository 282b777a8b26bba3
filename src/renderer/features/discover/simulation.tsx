import type { FitReport } from '@shared/domain/fit'
import type { Recommendation } from '@shared/domain/recommend'
import type { SimulatedMachine } from '@shared/domain/simulate'
import { GiB } from '@shared/domain/units'
import { createContext, useContext } from 'react'

/** Set while a simulated machine is shown: its name, and what this machine says of the same models. */
export interface Simulation {
  name: string
  here: ReadonlyMap<string, Recommendation>
}

export const SimulationContext = createContext<Simulation | null>(null)
export const useSimulation = (): Simulation | null => useContext(SimulationContext)

/** "RTX 4090 24 GB", "24 GiB VRAM + 64 GiB RAM". */
export function simulatedName(
  { device, vramBytes, ramBytes }: SimulatedMachine,
  words: { vram: string; ram: string; none: string },
): string {
  const gib = (bytes: number): string => `${Math.round((bytes / GiB) * 10) / 10} GiB`
  const card = device ?? ((vramBytes ?? 0) > 0 ? `${gib(vramBytes ?? 0)} ${words.vram}` : words.none)
  return ramBytes === null ? card : `${card} + ${gib(ramBytes)} ${words.ram}`
}

/** Every device that is named, in bars, sentences and sums, says that it is not there. */
export function markFit(fit: FitReport, mark: (name: string) => string): FitReport {
  return { ...fit, pools: fit.pools.map((pool) => (pool.id === 'cpu' ? pool : { ...pool, name: mark(pool.name) })) }
}

export function markSimulated(item: Recommendation, mark: (name: string) => string): Recommendation {
  const alternatives = item.alternatives.map((row) => ({ ...row, fit: markFit(row.fit, mark) }))
  const best = alternatives.find(({ quantization }) => quantization === item.best.quantization) ?? item.best
  const reason = 'device' in item.reason ? { ...item.reason, device: mark(item.reason.device) } : item.reason
  return { ...item, alternatives, best, reason }
}
