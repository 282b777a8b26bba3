import { readFileSync } from 'node:fs'
import type { RawHardware } from '@shared/domain/hardware'

/** Another machine in place of this one, for tests of the pages: what its sources said, as JSON. A package takes no such file. */
export function recordedHardware(env: NodeJS.ProcessEnv, packaged: boolean): RawHardware | undefined {
  const path = env.SNUG_TEST_HARDWARE
  if (packaged || path === undefined || path === '') return undefined
  return JSON.parse(readFileSync(path, 'utf8')) as RawHardware
}
