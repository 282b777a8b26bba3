import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { expect, test } from '@playwright/test'
import { type Launched, freshCache, freshFolder, launchSnug } from './fixtures/launch'
import { newChat } from './fixtures/models'
import { probePage } from './fixtures/probePage'
import { uncaught, watchRejections } from './fixtures/rpc'

let snug: Launched

test.beforeAll(async () => {
  const dataDir = freshFolder()
  snug = await launchSnug({ dataDir, cacheDir: freshCache(false) })
  await watchRejections(snug.app)
  await newChat(snug.page)
})
test.afterEach(async () => {
  expect(await uncaught(snug.app)).toEqual([])
})
test.afterAll(async () => {
  expect(await snug.close()).toBe(true)
})

test('the page is served with its policy, and is a mere page', async () => {
  const { page, app } = snug
  const headers = await page.evaluate(async () => Object.fromEntries((await fetch('snug://app/index.html')).headers))
  const policy = new Map(
    headers['content-security-policy']?.split('; ').map((line) => [line.split(' ')[0], line.split(' ').slice(1).join(' ')]),
  )
  for (const name of ['default-src', 'media-src', 'object-src', 'frame-src', 'manifest-src', 'base-uri', 'form-action', 'frame-ancestors'])
    expect([name, policy.get(name)]).toEqual([name, "'none'"])
  for (const name of ['script-src', 'style-src', 'font-src', 'connect-src', 'worker-src'])
    expect([name, policy.get(name)]).toEqual([name, "'self'"])
  expect(policy.get('img-src')).toBe("'self' data: blob:")
  expect([policy.get('require-trusted-types-for'), policy.get('trusted-types')]).toEqual(["'script'", "'none'"])
  expect(headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
  })
  const names = await page.evaluate(() =>
    ['require', 'process', 'module', 'Buffer', 'global', 'ipcRenderer', 'electron', 'snug'].filter((name) => name in window),
  )
  expect(names).toEqual([])
  const preferences = await app.evaluate(({ webContents }) =>
    webContents.getAllWebContents().map((contents) => (contents as unknown as { getLastWebPreferences(): object }).getLastWebPreferences()),
  )
  expect(preferences).toHaveLength(1)
  expect(preferences[0]).toMatchObject({
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    webSecurity: true,
    webviewTag: false,
  })
})

test('the page reaches no socket, runs no text, and frames nothing', async () => {
  const { page } = snug
  let connections = 0
  const tcp = createServer((socket) => {
    connections++
    socket.destroy()
  })
  const udp = createSocket('udp4')
  let datagrams = 0
  udp.on('message', () => datagrams++)
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
  await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve))
  const at = { tcp: (tcp.address() as { port: number }).port, udp: udp.address().port }
  try {
    const { outcomes, violations } = await page.evaluate(probePage, at)
    expect(Object.entries(outcomes).filter(([name, outcome]) => outcome.startsWith('did:') && name !== 'webrtc')).toEqual([])
    expect(outcomes).toMatchObject({ 'inline style': 'static', ran: 'false' })
    for (const directive of [
      'connect-src',
      'img-src',
      'frame-src',
      'style-src-attr',
      'style-src-elem',
      'script-src',
      'media-src',
      'font-src',
    ])
      expect(violations).toContain(directive)
    expect([connections, datagrams]).toEqual([0, 0])
  } finally {
    tcp.close()
    udp.close()
  }
})

test('nothing leads the window elsewhere', async () => {
  const { page, app } = snug
  await newChat(page)
  const here = page.url()
  for (const address of [
    'https://example.org/',
    'http://127.0.0.1:9/',
    'file:///etc/passwd',
    'data:text/html,<b>x',
    'javascript:window.__js=1',
    'snug://other/index.html',
    'snug://app/nothing',
    'snug://app/index.html/../x',
    'blob:snug://app/x',
    'chrome://gpu/',
    'devtools://devtools/bundled/inspector.html',
  ]) {
    await page.evaluate(async (to) => {
      const quietly = (work: () => unknown) => {
        try {
          work()
        } catch {
          // Refused at once is refused.
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 0))
      quietly(() => (location.href = to))
      quietly(() => location.replace(to))
      quietly(() => window.open(to))
      quietly(() => window.open(to, '_self'))
      for (const target of ['_self', '_blank', '_top']) {
        const link = document.createElement('a')
        Object.assign(link, { href: to, target })
        document.body.append(link)
        link.click()
        link.remove()
        const form = document.createElement('form')
        Object.assign(form, { action: to, target, method: 'post' })
        document.body.append(form)
        quietly(() => form.submit())
        form.remove()
      }
      const meta = document.createElement('meta')
      Object.assign(meta, { httpEquiv: 'refresh', content: `0;url=${to}` })
      document.head.append(meta)
      await new Promise((resolve) => setTimeout(resolve, 100))
      meta.remove()
    }, address)
    expect([address, page.url()]).toEqual([address, here])
  }
  expect(await page.evaluate(() => '__js' in window)).toBe(false)
  // Nothing is asked before an empty page shows, so the window goes back from there.
  await page.evaluate(() => void setTimeout(() => location.assign('about:blank'), 0))
  await page.waitForURL('about:blank')
  await page.waitForURL(/^snug:\/\/app\/index\.html/)
  await newChat(page)
  expect(await app.evaluate(({ webContents }) => webContents.getAllWebContents().length)).toBe(1)
  expect(await app.evaluate(({ webContents }) => webContents.getAllWebContents()[0]?.getURL())).toBe(here)
})

test('every permission is refused', async () => {
  const { page } = snug
  const states = await page.evaluate(async () => {
    const names = [
      'accelerometer',
      'ambient-light-sensor',
      'background-fetch',
      'background-sync',
      'camera',
      'captured-surface-control',
      'clipboard-read',
      'clipboard-write',
      'display-capture',
      'fullscreen',
      'geolocation',
      'gyroscope',
      'idle-detection',
      'keyboard-lock',
      'local-fonts',
      'magnetometer',
      'microphone',
      'midi',
      'nfc',
      'notifications',
      'payment-handler',
      'periodic-background-sync',
      'persistent-storage',
      'pointer-lock',
      'push',
      'screen-wake-lock',
      'speaker-selection',
      'storage-access',
      'system-wake-lock',
      'top-level-storage-access',
      'window-management',
    ]
    const found: Record<string, string> = {}
    for (const name of names) {
      // A name that this Chromium does not know cannot be given either.
      found[name] = await navigator.permissions.query({ name: name as PermissionName }).then(
        ({ state }) => state,
        () => 'unknown',
      )
    }
    return found
  })
  expect(Object.entries(states).filter(([, state]) => state === 'granted')).toEqual([])
  expect(Object.values(states).filter((state) => state === 'denied').length).toBeGreaterThan(8)
  const uses = await page.evaluate(async () => {
    const nav = navigator as unknown as Record<string, Record<string, (options?: object) => Promise<unknown>>>
    const name = (work: () => Promise<unknown> | undefined) =>
      Promise.race([
        Promise.resolve()
          .then(work)
          .then(
            (value) => (value === undefined || (Array.isArray(value) && value.length === 0) ? 'nothing' : `gave ${typeof value}`),
            (error: unknown) => (error instanceof Error || error instanceof DOMException ? error.name : `refused ${String(error)}`),
          ),
        new Promise((resolve) => setTimeout(() => resolve('silent'), 2_000)),
      ])
    return {
      camera: await name(() => navigator.mediaDevices.getUserMedia({ video: true })),
      microphone: await name(() => navigator.mediaDevices.getUserMedia({ audio: true })),
      screen: await name(() => navigator.mediaDevices.getDisplayMedia({ video: true })),
      place: await name(
        () =>
          new Promise((resolve, reject) =>
            navigator.geolocation.getCurrentPosition(resolve, ({ code }) => reject(new Error(String(code)))),
          ),
      ),
      clipboard: await name(() => navigator.clipboard.readText()),
      midi: await name(() =>
        nav.requestMIDIAccess === undefined ? Promise.reject(new Error('none')) : navigator.requestMIDIAccess({ sysex: true }),
      ),
      lock: await name(() => navigator.wakeLock.request('screen')),
      usb: await name(() => nav.usb?.requestDevice?.({ filters: [] })),
      hid: await name(() => nav.hid?.requestDevice?.({ filters: [] })),
      serial: await name(() => nav.serial?.requestPort?.()),
      bluetooth: await name(() => nav.bluetooth?.requestDevice?.({ acceptAllDevices: true })),
      folder: await name(() => (window as unknown as { showDirectoryPicker(): Promise<unknown> }).showDirectoryPicker()),
      notifications: (await Notification.requestPermission()) === 'granted' ? 'gave' : 'refused',
    }
  })
  expect(Object.entries(uses).filter(([, outcome]) => String(outcome).startsWith('gave'))).toEqual([])
})

test('the scheme serves the built page and nothing beside it', async () => {
  const statuses = await snug.app.evaluate(async ({ net }) => {
    const addresses = [
      'snug://app/',
      'snug://app/index.html',
      'snug://app/../package.json',
      'snug://app/../../package.json',
      'snug://app/%2e%2e/main/index.js',
      'snug://app/..%2fmain%2findex.js',
      'snug://app/%2e%2e%2fmain/index.js',
      'snug://app/..%5cmain%5cindex.js',
      'snug://app/%5c..%5cmain',
      'snug://app/index.html%00',
      'snug://app/%00',
      'snug://app/index.html/',
      'snug://app//index.html',
      'snug://app/etc/passwd',
      'snug://app/main/index.js',
      'snug://app/%',
      'snug://app/constructor',
      'snug://app/__proto__',
      'snug://other/index.html',
      'snug://app.other/index.html',
      'snug://user@other/index.html',
      'snug:///index.html',
      'snug://APP/index.html',
    ]
    const answers: [string, number][] = []
    for (const address of addresses)
      answers.push([
        address,
        await net.fetch(address).then(
          ({ status }) => status,
          () => 0,
        ),
      ])
    answers.push([
      'POST',
      await net.fetch('snug://app/index.html', { method: 'POST', body: 'x' }).then(
        ({ status }) => status,
        () => 0,
      ),
    ])
    return answers
  })
  const served = statuses.filter(([, status]) => status === 200).map(([address]) => address)
  expect(served).toEqual(expect.arrayContaining(['snug://app/', 'snug://app/index.html']))
  // A host has no case.
  expect(served.filter((address) => !['snug://app/', 'snug://app/index.html', 'snug://APP/index.html'].includes(address))).toEqual([])
  expect(new Set(statuses.map(([, status]) => status))).toEqual(new Set([0, 200, 404]))
})
