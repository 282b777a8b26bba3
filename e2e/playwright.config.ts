import { fileURLToPath } from 'node:url'
import { defineConfig } from '@playwright/test'

const out = fileURLToPath(new URL('out', import.meta.url))

/** One window at a time, and no second try: a test that passes only sometimes is a fault to find. */
export default defineConfig({
  testDir: '.',
  testMatch: process.env.SNUG_SCREENSHOTS === '1' ? 'screenshots.spec.ts' : '**/*.spec.ts',
  testIgnore:
    process.env.SNUG_SCREENSHOTS === '1'
      ? []
      : ['screenshots.spec.ts', ...(process.env.SNUG_TEST_FULL === '1' ? [] : ['**/*.full.spec.ts'])],
  outputDir: `${out}/results`,
  workers: 1,
  retries: 0,
  fullyParallel: false,
  forbidOnly: process.env.CI !== undefined,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  reporter: process.env.PLAYWRIGHT_JSON_OUTPUT_NAME ? [['list'], ['json']] : [['list']],
  use: { trace: 'off', screenshot: 'off' },
})
