import { join } from 'node:path'
import type { Area, HandlerContext } from './context'

export const machineHandlers = (area: Area<'machine'>, { core }: HandlerContext) => ({
  report: area.report.handler(({ input }) => core.hardware.report(input)),
  follow: area.follow.handler(({ signal }) => core.hardware.follow(signal)),
  calibrate: area.calibrate.handler(() => core.calibration.start().then(() => null)),
  followCalibration: area.followCalibration.handler(({ signal }) => core.calibration.follow(signal)),
  cancelCalibration: area.cancelCalibration.handler(() => core.calibration.cancel().then(() => null)),
  engineCheck: area.engineCheck.handler(async ({ input: { backend } }) => ({
    backend,
    ...(await core.probes.check(backend, join(core.paths.cacheDir, 'engine-check'))),
  })),
})
