import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createFakeEngine } from '../engine/fakeEngine'
import { until } from '../engine/testEngine'
import { silentLog } from '@shared/log'
import { createCore } from './core'
import { snugPaths } from './platform/paths'

test('a start takes away what the cache folder holds of chats that are gone, and nothing of others', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'snug core '))
  const env = { SNUG_DATA: join(folder, 'data'), SNUG_CACHE: join(folder, 'cache'), HOME: folder, SNUG_OFFLINE: '1' }
  mkdirSync(env.SNUG_DATA)
  const start = () =>
    createCore({
      paths: snugPaths({ env, platform: process.platform, homeDir: folder }),
      fork: createFakeEngine(),
      downloadWorker: join(folder, 'none.js'),
      log: silentLog,
      trash: () => Promise.reject(new Error('nothing is thrown away here')),
      env,
    })
  const kv = join(env.SNUG_CACHE, 'kv')
  const stateOf = (id: string) => join(kv, `${id}.0123456789abcdef.state`)
  let core = start()
  const { id } = core.conversations.create()
  await core.dispose()
  mkdirSync(kv, { recursive: true })
  for (const chat of [id, 'gone']) writeFileSync(stateOf(chat), 'tokens')
  core = start()
  try {
    expect(await until(() => !existsSync(stateOf('gone')), 5_000)).toBe(true)
    expect(existsSync(stateOf(id))).toBe(true)
  } finally {
    await core.dispose()
    rmSync(folder, { recursive: true, force: true })
  }
})
