import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const full = process.env.SNUG_TEST_FULL === '1'

/** Unit tests stand beside the code; `*.real.test.ts` runs the real llama.cpp, SQLite and sockets (after a build). */
export default defineConfig({
  resolve: { alias: { '@shared': fileURLToPath(new URL('src/shared', import.meta.url)) } },
  test: {
    include: ['src/**/*.test.{ts,tsx}', 'scripts/**/*.test.ts', 'bench/**/*.test.ts'],
    exclude: full ? [] : ['**/*.full.test.ts'],
    // Thousands of rounds, and a machine that may do something else as well.
    testTimeout: full ? 300_000 : 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    pool: 'forks',
  },
})
