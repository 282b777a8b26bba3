import { afterEach, expect, it, vi } from 'vitest'
import { snugPaths } from '../src/main/platform/paths'

afterEach(() => vi.unstubAllEnvs())

/** Set-up runs before anything is installed or built, so it has this rule a second time, in plain JavaScript. */
it.each([{}, { XDG_CACHE_HOME: '/somewhere' }, { XDG_CACHE_HOME: 'relative' }, { SNUG_CACHE: '/own/cache' }])(
  'set-up and app agree on the cache: %o',
  async (env) => {
    vi.stubEnv('XDG_CACHE_HOME', undefined)
    vi.stubEnv('SNUG_CACHE', undefined)
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    const { cacheDir } = (await import(new URL('lib/paths.mjs', import.meta.url).href)) as { cacheDir: () => string }
    expect(cacheDir()).toBe(snugPaths({ env: process.env, platform: process.platform }).cacheDir)
  },
)
