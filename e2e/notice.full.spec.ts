import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Page, expect, test } from '@playwright/test'
import type { AppInfo } from '../src/shared/ipc/app'
import { messages } from '../src/shared/i18n'
import { freshCache, freshFolder, launchSnug } from './fixtures/launch'
import { en, newChat } from './fixtures/models'
import { ask } from './fixtures/rpc'

const rubbish = Buffer.alloc(8_192, 0x5a)
const banner = (page: Page) => page.getByTestId('data-notice')

test('a damaged database is kept, and what was done about it is said once', async () => {
  const options = { dataDir: freshFolder(), cacheDir: freshCache(false) }
  const database = join(options.dataDir, 'snug.db')
  const backups = join(options.dataDir, 'backups')

  let snug = await launchSnug(options)
  await expect(snug.page.getByTestId('welcome')).toBeVisible()
  await ask(snug.page, 'app/setSettings', { theme: 'dark', welcomed: true })
  await expect.poll(() => existsSync(backups) && readdirSync(backups).length > 0).toBe(true)
  expect(await snug.close()).toBe(true)

  // With a backup: its chats come back.
  writeFileSync(database, rubbish)
  snug = await launchSnug(options)
  await expect(banner(snug.page)).toContainText('they are back as they were on')
  const { notice } = await ask<AppInfo>(snug.page, 'app/info')
  expect(notice?.kind).toBe('restored')
  await expect(banner(snug.page)).toContainText(en.common.dataNotice.kept({ path: notice?.kept ?? '?' }))
  expect(readFileSync(notice?.kept ?? '')).toEqual(rubbish)
  expect(await snug.close()).toBe(true)

  // Without one: a new beginning, said on every page until it is closed.
  writeFileSync(database, rubbish)
  rmSync(backups, { recursive: true })
  snug = await launchSnug(options)
  await expect(banner(snug.page)).toContainText(en.common.dataNotice.fresh)
  await ask(snug.page, 'app/setSettings', { language: 'zh-CN' })
  await expect(banner(snug.page)).toContainText(messages('zh-CN').common.dataNotice.fresh)
  await ask(snug.page, 'app/setSettings', { language: 'en' })
  await newChat(snug.page)
  await expect(banner(snug.page)).toBeVisible()
  await banner(snug.page).getByRole('button', { name: en.common.close }).click()
  await expect(banner(snug.page)).toHaveCount(0)
  expect(await snug.close()).toBe(true)

  snug = await launchSnug(options)
  await newChat(snug.page)
  expect((await ask<AppInfo>(snug.page, 'app/info')).notice).toBeNull()
  await expect(banner(snug.page)).toHaveCount(0)
  expect(await snug.close()).toBe(true)
})
