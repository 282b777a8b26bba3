import { eventIterator } from '@orpc/contract'
import type { Backend, HardwareReport } from '../domain/hardware'
import { oc, type, z } from './base'

export interface EngineCheckResult {
  backend: Backend
  ok: boolean
  detail: string
  tokensPerSecond: number
}

export const machine = {
  report: oc.input(z.object({ fresh: z.boolean().default(false) }).strict()).output(type<HardwareReport>()),
  /** A snapshot, then one whenever free memory changed noticeably. */
  follow: oc.output(eventIterator(type<HardwareReport>())),
  /** Runs the scripted model on a backend, in a process of its own. */
  engineCheck: oc.input(z.object({ backend: z.enum(['cuda', 'metal', 'vulkan', 'cpu']) }).strict()).output(type<EngineCheckResult>()),
}
