import { createHash } from 'node:crypto'
import { hasAmx } from '@shared/domain/amx'
import type { Backend, BackendProbe, HardwareReport } from '@shared/domain/hardware'

/** Counted up when a calibration measures something else than before. */
const measures = 6

/** What a measurement holds for: another driver, engine, device or processor is another machine. */
export function machineKey(backend: Backend, report: HardwareReport, probes: readonly BackendProbe[]): string {
  const engine = probes.flatMap((row) => ('llamaVersion' in row && row.backend === backend ? [row.llamaVersion] : []))[0] ?? ''
  const gpu = backend === 'cpu' ? undefined : report.gpus.find((candidate) => candidate.backends.includes(backend))
  const parts = [measures, backend, gpu?.name, gpu?.driver, engine, report.cpu.name, report.cpu.usableCores, hasAmx(report.cpu.features)]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}

export type KeyOf = (backend: Backend, report: HardwareReport) => Promise<string>

/** The same, asking for the probes when it is needed. */
export function keyWith(probes: { probe(): Promise<BackendProbe[]> }): KeyOf {
  return async (backend, report) => machineKey(backend, report, await probes.probe())
}

/** Of what was measured what holds for the machine as it is now. */
export async function stillValid<Row extends { backend: Backend; key: string }>(
  rows: readonly Row[],
  report: HardwareReport,
  keyOf: KeyOf,
): Promise<Row[]> {
  const keys = new Map<Backend, string>()
  for (const { backend } of rows) if (!keys.has(backend)) keys.set(backend, await keyOf(backend, report))
  return rows.filter(({ backend, key }) => keys.get(backend) === key)
}
