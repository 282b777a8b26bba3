import { readFile } from 'node:fs/promises'
import type { HardwareReport } from '@shared/domain/hardware'
import { parseSimulated } from '@shared/domain/simulate'
import { z } from 'zod'
import { usageError } from './failure'

const amount = z.number().nonnegative()
const bandwidth = z.object({ bytesPerSecond: z.number().positive(), source: z.string() }).nullable()
const backend = z.enum(['cuda', 'metal', 'vulkan', 'cpu'])

/** What `snug hardware --json` writes. */
const reportSchema: z.ZodType<HardwareReport> = z.object({
  gpus: z
    .array(
      z.object({
        id: z.string(),
        name: z.string(),
        vendor: z.string(),
        kind: z.enum(['discrete', 'integrated', 'unified', 'software']),
        vramTotal: amount.nullable(),
        vramFree: amount.nullable(),
        driver: z.string().nullable(),
        backends: z.array(backend),
        bandwidth,
        sharedWithRam: z.boolean(),
      }),
    )
    .max(64),
  ram: z.object({ total: z.number().positive(), available: amount }),
  cpu: z.object({
    name: z.string(),
    physicalCores: amount,
    logicalCores: amount,
    usableCores: amount,
    features: z.array(z.string()),
    bandwidth,
  }),
  disk: z.object({ path: z.string(), total: amount, free: amount }).nullable(),
  os: z.object({ platform: z.string(), name: z.string(), release: z.string(), arch: z.string() }),
  backends: z.array(
    z.object({
      backend,
      state: z.enum(['works', 'no-device', 'not-installed', 'crashed']),
      detail: z.string().nullable(),
      devices: z.array(z.string()),
    }),
  ),
  unifiedMemory: z.boolean(),
})

/** The name of a device of the table, else a file with a report. */
export async function simulatedMachine(name: string): Promise<string | HardwareReport> {
  if (parseSimulated(name) !== null) return name
  let text: string
  try {
    text = await readFile(name, 'utf8')
  } catch (cause) {
    // What does not look like a path was meant as a device.
    throw /[\\/]|\.json$/i.test(name) ? usageError('cannotRead', { path: name }, cause) : usageError('device', { name }, cause)
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw usageError('notJson', { path: name }, cause)
  }
  const parsed = reportSchema.safeParse(json)
  if (!parsed.success) throw usageError('notReport', { path: name, reason: z.prettifyError(parsed.error) })
  return parsed.data
}
