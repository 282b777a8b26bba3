import { readFileSync } from 'node:fs'
import { expect, test } from '@playwright/test'
import { launchSnug } from './fixtures/launch'

test.describe('the sandbox of the system', { tag: '@sandbox' }, () => {
  test.skip(process.platform !== 'linux', 'reads /proc')

  test('the page runs in its own namespaces with a system call filter', async () => {
    const snug = await launchSnug()
    const command = readFileSync(`/proc/${snug.pid}/cmdline`, 'utf8')
    expect(command).not.toContain('--no-sandbox')
    const page = await snug.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.getOSProcessId())
    expect(page).toBeGreaterThan(0)
    const status = readFileSync(`/proc/${page}/status`, 'utf8')
    expect(/^Seccomp:\s*(\d)/m.exec(status)?.[1]).toBe('2')
    // Two numbers: it has one process id outside and another in its own namespace.
    expect(/^NSpid:\s*(.*)$/m.exec(status)?.[1]?.trim().split(/\s+/).length).toBeGreaterThan(1)
    expect(await snug.close()).toBe(true)
  })
})

test('root opens a window only without the sandbox, and the page is still confined', { tag: '@root' }, async () => {
  test.skip(process.platform !== 'linux' || process.getuid?.() !== 0, 'only as root')
  const snug = await launchSnug({ sandbox: false })
  await expect(snug.page.locator('body')).toBeVisible()
  expect(await snug.page.evaluate<boolean>("'require' in window || 'process' in window")).toBe(false)
  expect(await snug.close()).toBe(true)
})
