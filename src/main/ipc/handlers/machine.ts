import { join } from 'node:path'
import type { Area, HandlerContext } from './context'

export const machineHandlers = (area: Area<'machine'>, { core }: HandlerContext) => ({
  report: area.report.handler(({ input }) => core.hardware.report(input)),
  follow: area.follow.handler(({ signal }) => core.hardware.follow(signal)),
  engineCheck: area.engineCheck.handler(async ({ input: { backend } }) => ({
    backend,
    ...(await core.probes.check(backend, join(core.paths.cacheDir, 'engine-check'))),
  })),
})
