import { eventIterator } from '@orpc/contract'
import type { Calibration } from '../domain/calibration'
import type { Backend, HardwareReport } from '../domain/hardware'
import type { SpeedEstimate } from '../domain/speed'
import type { ErrorValue } from '../errors'
import { oc, type, z } from './base'

export interface EngineCheckResult {
  backend: Backend
  ok: boolean
  detail: string
  tokensPerSecond: number
}

/** A model that was used here: what was said of it beside what it did. Tokens per second. */
export interface MeasuredModel {
  id: string
  name: string
  quantization: string
  predicted: SpeedEstimate
  measured: { decode: number; prefill: number | null }
  replies: number
  at: number
}

/** Everything the page and the command line show about the speed of this machine. */
export interface CalibrationView {
  running: { fraction: number; secondsLeft: number } | null
  /** `stale`: measured with another driver, engine or device; not used any more. */
  results: { calibration: Calibration; at: number; stale: boolean }[]
  /** Of the last try. */
  error: ErrorValue | null
  models: MeasuredModel[]
}

export const machine = {
  report: oc.input(z.object({ fresh: z.boolean().default(false) }).strict()).output(type<HardwareReport>()),
  /** A snapshot, then one whenever free memory changed noticeably. */
  follow: oc.output(eventIterator(type<HardwareReport>())),
  /** Begins to measure the speed of this machine (some 30 s a backend); refused on battery and with little memory or disk. */
  calibrate: oc.output(type<null>()),
  followCalibration: oc.output(eventIterator(type<CalibrationView>())),
  cancelCalibration: oc.output(type<null>()),
  /** Runs the scripted model on a backend, in a process of its own. */
  engineCheck: oc.input(z.object({ backend: z.enum(['cuda', 'metal', 'vulkan', 'cpu']) }).strict()).output(type<EngineCheckResult>()),
}
