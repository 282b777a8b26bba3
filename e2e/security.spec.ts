import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { createSocket } from 'node:dgram'
import { join } from 'node:path'
import type { AnyContractProcedure } from '@orpc/contract'
import { expect, test } from '@playwright/test'
import type { ZodType } from 'zod'
import { contract } from '../src/shared/ipc/contract'
import { type Launched, checkout, freshCache, freshFolder, launchSnug } from './fixtures/launch'
import { addScripted, en, newChat } from './fixtures/models'
import { type RpcAnswer, ask, call } from './fixtures/rpc'

let snug: Launched

test.beforeAll(async () => {
  const dataDir = freshFolder()
  await addScripted(dataDir, '<img src=x onerror=window.__xss=1>')
  snug = await launchSnug({ dataDir, cacheDir: freshCache(false) })
  await snug.app.evaluate(() => {
    const rejections: string[] = []
    Object.assign(globalThis, { rejections })
    process.on('unhandledRejection', (reason) => rejections.push(String(reason)))
    process.on('uncaughtException', (error) => rejections.push(String(error)))
  })
  await newChat(snug.page)
})
test.afterEach(async () => {
  expect(await rejections()).toEqual([])
})
test.afterAll(async () => {
  expect(await snug.close()).toBe(true)
})

/** What nobody in main has caught. */
const rejections = () => snug.app.evaluate(() => (globalThis as { rejections?: string[] }).rejections)

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
    const { outcomes, violations } = await page.evaluate(async ({ tcp: port, udp: udpPort }) => {
      const web = `http://127.0.0.1:${port}/`
      const found: string[] = []
      document.addEventListener('securitypolicyviolation', (event) => found.push(event.effectiveDirective))
      // Outside of the debugger's own call, which is exempt from the policy.
      await new Promise((resolve) => setTimeout(resolve, 0))
      const results: Record<string, string> = {}
      const attempt = async (name: string, work: () => unknown) => {
        try {
          results[name] = `did: ${String(await work())}`
        } catch (error) {
          results[name] = error instanceof Error ? error.name : String(error)
        }
      }
      const loaded = (element: HTMLElement) =>
        new Promise((resolve, reject) => {
          element.onload = () => resolve('loaded')
          element.onerror = () => reject(new Error('refused'))
          setTimeout(() => reject(new Error('silent')), 500)
          document.body.append(element)
        }).finally(() => element.remove())
      const element = (tag: string, attributes: Record<string, string>) => {
        const made = document.createElement(tag)
        for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
        return made
      }
      await attempt('fetch', () => fetch(web))
      await attempt(
        'xhr',
        () =>
          new Promise((resolve, reject) => {
            const request = new XMLHttpRequest()
            request.onload = resolve
            request.onerror = () => reject(new Error('refused'))
            request.open('GET', web)
            request.send()
          }),
      )
      await attempt(
        'websocket',
        () =>
          new Promise((resolve, reject) => {
            const socket = new WebSocket(`ws://127.0.0.1:${port}/`)
            socket.onopen = resolve
            socket.onerror = () => reject(new Error('refused'))
          }),
      )
      await attempt(
        'events',
        () =>
          new Promise((resolve, reject) => {
            const source = new EventSource(web)
            source.onopen = resolve
            source.onerror = () => reject(new Error('refused'))
          }),
      )
      navigator.sendBeacon(web, 'x')
      await attempt('image', () => loaded(element('img', { src: `${web}x.png` })))
      await attempt('stylesheet', () => loaded(element('link', { rel: 'stylesheet', href: `${web}x.css` })))
      await attempt('prefetch', () => loaded(element('link', { rel: 'prefetch', href: web })))
      await attempt('preconnect', () => loaded(element('link', { rel: 'preconnect', href: web })))
      await attempt('video', () => loaded(element('video', { src: `${web}x.mp4`, preload: 'auto' })))
      await attempt('object', () => loaded(element('object', { data: `${web}x` })))
      await attempt('font', () => new FontFace('x', `url(${web}x.woff2)`).load())
      await attempt('webrtc', async () => {
        const peer = new RTCPeerConnection({
          iceServers: [
            { urls: `stun:127.0.0.1:${udpPort}` },
            { urls: `turn:127.0.0.1:${port}?transport=tcp`, username: 'x', credential: 'x' },
            { urls: `turn:127.0.0.1:${udpPort}?transport=udp`, username: 'x', credential: 'x' },
          ],
        })
        peer.createDataChannel('x')
        await peer.setLocalDescription(await peer.createOffer())
        await new Promise((resolve) => setTimeout(resolve, 1_500))
        const { sdp } = peer.localDescription ?? { sdp: '' }
        peer.close()
        return [...sdp.matchAll(/^a=candidate:.*$/gm)].join(' ')
      })
      await attempt(
        'webtransport',
        () =>
          new (window as unknown as { WebTransport: new (url: string) => { ready: Promise<unknown> } }).WebTransport(
            `https://127.0.0.1:${port}/`,
          ).ready,
      )
      await attempt('frame', async () => {
        const frame = document.createElement('iframe')
        frame.src = 'snug://app/index.html'
        document.body.append(frame)
        await new Promise((resolve) => {
          frame.onload = resolve
        })
        // What loaded is the refusal, which is of no origin; ours would be readable.
        const address = frame.contentDocument?.location.href
        frame.remove()
        if (address === undefined) throw new Error('refused')
        return address
      })
      // oxlint-disable-next-line no-eval
      await attempt('eval', () => (0, eval)('1'))
      // oxlint-disable-next-line no-implied-eval, no-new-func
      await attempt('function', () => new Function('return 1')())
      // oxlint-disable-next-line no-implied-eval
      await attempt('timeout text', () => setTimeout('window.__ran = 1' as unknown as () => void, 0))
      await attempt('wasm', () => WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])))
      await attempt('script text', () => {
        const script = document.createElement('script')
        script.textContent = 'window.__ran = 1'
        document.body.append(script)
      })
      await attempt('script node', () => {
        const script = document.createElement('script')
        script.append(document.createTextNode('window.__ran = 1'))
        document.body.append(script)
      })
      await attempt('script address', () => element('script', { src: `${web}x.js` }))
      await attempt('import', () => import(/* @vite-ignore */ 'data:text/javascript,window.__ran=1'))
      await attempt('worker', () => new Worker(URL.createObjectURL(new Blob(['1']))))
      await attempt('service worker', () => navigator.serviceWorker.register('snug://app/x.js'))
      await attempt('html', () => {
        document.createElement('div').innerHTML = '<b>x</b>'
      })
      await attempt('policy', () =>
        (window as unknown as { trustedTypes: { createPolicy(name: string, rules: object): unknown } }).trustedTypes.createPolicy('x', {}),
      )
      const styled = document.createElement('p')
      styled.setAttribute('style', 'position: fixed')
      const sheet = document.createElement('style')
      sheet.textContent = 'p { position: fixed }'
      document.body.append(sheet, styled)
      results['inline style'] = getComputedStyle(styled).position
      styled.remove()
      sheet.remove()
      results.ran = String('__ran' in window)
      await new Promise((resolve) => setTimeout(resolve, 100))
      return { outcomes: results, violations: found }
    }, at)
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
            (value) => (value === undefined || (Array.isArray(value) && value.length === 0) ? 'nothing' : `gave ${String(value)}`),
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

const routes = Object.entries(contract).flatMap(([area, verbs]) =>
  Object.entries(verbs).map(([verb, procedure]) => ({ route: `${area}/${verb}`, procedure: procedure as AnyContractProcedure })),
)

test('wrong input is refused by every route, with a code', async () => {
  const { page } = snug
  const wrong: unknown[] = [
    null,
    5,
    'x',
    [],
    {},
    { id: 5 },
    { id: '../../x' },
    { id: 'x'.repeat(10_000) },
    { id: 'a', unknown: 1 },
    { query: 7 },
    { repository: '../..', file: '../../etc/passwd' },
    { url: 5 },
    { theme: 'pink' },
    { endpoint: 'file:///etc' },
    { modelsFolder: '/tmp' },
    { watchedFolders: ['/'] },
    { modelId: 'a', contextSize: 1e12 },
    { backend: 'quantum' },
    { fresh: 'yes' },
    { use: 'x' },
    { path: '/etc/passwd' },
  ]
  const answers: { route: string; sent: string; answer: RpcAnswer | null }[] = []
  let refusing = 0
  for (const { route, procedure } of routes) {
    const schema = procedure['~orpc'].inputSchema as ZodType | undefined
    if (schema === undefined) continue
    const bad = wrong.filter((input) => !schema.safeParse(input).success)
    expect([route, bad.length > 10]).toEqual([route, true])
    refusing++
    const got = await call(page, route, bad[0])
    answers.push({ route, sent: JSON.stringify(bad[0]), answer: got })
    const rest = await Promise.all(
      bad.slice(1).map(async (input) => ({ route, sent: JSON.stringify(input).slice(0, 80), answer: await call(page, route, input) })),
    )
    answers.push(...rest)
  }
  expect(refusing).toBeGreaterThan(25)
  const accepted = answers.filter(
    ({ answer }) => answer === null || answer.status < 400 || typeof (answer.body as { code?: unknown }).code !== 'string',
  )
  expect(accepted).toEqual([])
  expect(answers.filter(({ answer }) => JSON.stringify(answer).includes('"stack"'))).toEqual([])
  expect(await call(page, 'chat/nothing', {})).toMatchObject({ status: 404 })
  expect(await call(page, 'chat/conversation', { id: 'unknown' })).toMatchObject({ body: { code: 'chat/not-found' } })
})

test('malformed messages on the port hurt nothing', async () => {
  const { page } = snug
  const got = await page.evaluate(async () => {
    const { port1, port2 } = new MessageChannel()
    const answers: string[] = []
    port1.onmessage = ({ data }) => answers.push(String(data))
    window.postMessage('snug:connect', location.origin, [port2])
    const request = (more: object, outer: object = {}) => JSON.stringify({ i: '1', p: { u: '/app/info', ...more }, ...outer })
    const messages: unknown[] = [
      null,
      undefined,
      1,
      {},
      [],
      new Uint8Array(8),
      new Blob(['x']),
      new Map([['i', '1']]),
      '',
      'x',
      '{',
      'null',
      '[]',
      '{}',
      '{"i":1}',
      '{"i":"1"}',
      '{"i":"1","t":9}',
      '{"i":"1","t":3}',
      '{"i":"1","t":3,"p":5}',
      '{"i":"1","t":3,"p":{"e":"message"}}',
      '{"i":"9","t":4}',
      '{"i":"1","t":2,"p":{"s":200}}',
      '{"i":"1","p":5}',
      '{"i":"1","p":{"u":5}}',
      '{"i":"1","p":{"u":"http://127.0.0.1:9/"}}',
      request({ u: '/' }),
      request({ u: '//' }),
      request({ u: '///x' }),
      request({ u: '/%' }),
      request({ u: '/%E0%A4%A' }),
      request({ u: '/__proto__/toString' }),
      request({ u: '/constructor/constructor' }),
      request({ u: '/app/../../info' }),
      request({ u: '/app/__proto__' }),
      request({ m: 'GET' }),
      request({ m: 5 }),
      request({ m: 'GET', u: '/chat/conversation?data=%7B' }),
      request({ h: 5 }),
      request({ h: null }),
      request({ h: { 'content-type': 'multipart/form-data; boundary=x' } }),
      request({ h: { 'content-type': 'multipart/form-data' }, b: 'x' }),
      request({ h: { 'content-type': ['a', 'b'] } }),
      request({ h: { 'content-type': 5 } }),
      request({ h: { 'content-type': 'text/event-stream' } }),
      request({ h: { 'content-disposition': 'attachment; filename=x' } }),
      request({ h: { 'content-disposition': 5 } }),
      request({ h: { 'content-type': 'application/x-www-form-urlencoded' }, b: 'a=1' }),
      request({ u: '/chat/rename', b: 5 }),
      request({ u: '/chat/rename', b: { json: { id: 'x' }, meta: 5 } }),
      request({ u: '/chat/rename', b: { json: { id: 'x' }, meta: [[0]] } }),
      request({ u: '/chat/rename', b: { json: { id: 'x' }, meta: [[0, '__proto__', 'polluted']] } }),
      request({ u: '/chat/rename', b: { json: {}, meta: [[0, 'constructor', 'prototype', 'polluted']] } }),
      request({ u: '/chat/rename', b: { json: { id: 'x' }, meta: [[0, 'a', 'b', 'c']] } }),
      request({ u: '/chat/rename', b: { json: { id: 'x' }, meta: [[99, 'id']] } }),
      request({ u: '/chat/rename', b: { json: { id: 'x' }, meta: [], maps: 5, blobs: 7 } }),
      request({ u: '/chat/rename', b: { json: { id: 'x' }, maps: [['id']] } }),
      `{"i":"1","p":{"u":"/app/info","b":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`,
      request({ b: { json: 'x'.repeat(17_000_000) } }),
    ]
    for (const message of messages) port1.postMessage(message)
    // Ids used twice, and a cancel before and after.
    for (let i = 0; i < 50; i++) port1.postMessage(JSON.stringify({ i: 'same', p: { u: '/app/followSettings' } }))
    port1.postMessage(JSON.stringify({ i: 'same', t: 4 }))
    port1.postMessage(JSON.stringify({ i: 'last', p: { u: '/app/info' } }))
    const end = Date.now() + 8_000
    while (!answers.some((answer) => answer.includes('"last"')) && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20))
    const last = answers.find((answer) => answer.includes('"last"')) ?? null
    port1.close()
    return { last, count: answers.length }
  })
  expect(got.last).toContain('dataDir')
  expect(await snug.app.evaluate(() => 'polluted' in {})).toBe(false)
  expect(await ask(page, 'app/info')).toHaveProperty('version')
})

test('a frame that is not our page gets no port', async () => {
  const answered = await snug.app.evaluate(
    async ({ BrowserWindow }, preload) => {
      const window = new BrowserWindow({ show: false, webPreferences: { preload, sandbox: true, contextIsolation: true } })
      try {
        await window.loadURL('data:text/html,<title>x</title>')
        return await window.webContents.executeJavaScript(`new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel()
        port1.onmessage = () => resolve('answered')
        port1.addEventListener('close', () => resolve('closed'))
        window.postMessage('snug:connect', '*', [port2])
        port1.postMessage(JSON.stringify({ i: '1', p: { u: '/app/info' } }))
        setTimeout(() => resolve('silent'), 1500)
      })`)
      } finally {
        window.destroy()
      }
    },
    join(checkout, 'out/preload/index.cjs'),
  )
  expect(['closed', 'silent']).toContain(answered)
  await expect.poll(() => readLog(), { timeout: 5_000 }).toContain('a frame that is not ours asked for a port')
})

function readLog(): string {
  const folder = join(snug.dataDir, 'logs')
  return readFileSync(join(folder, 'snug.log'), 'utf8')
}

test('what a model writes is text, never code', async () => {
  const { page } = snug
  const mark = 'window.__xss=1'
  const payloads = [
    `<script>${mark}</script>`,
    `<img src=x onerror="${mark}">`,
    `<svg onload="${mark}"><script>${mark}</script></svg>`,
    `<iframe srcdoc="<script>parent.${mark}</script>"></iframe>`,
    `<iframe src="javascript:${mark}"></iframe>`,
    `<a href="javascript:${mark}">click</a> [click](javascript:${mark}) [click](JaVaScRiPt&#58;${mark}) [click](data:text/html,<script>${mark}</script>) [click](vbscript:x) [click](file:///etc/passwd)`,
    `<object data="javascript:${mark}"></object><embed src="javascript:${mark}">`,
    `<form action="javascript:${mark}"><button>go</button></form><input autofocus onfocus="${mark}">`,
    `<style>@import url("http://127.0.0.1:9/x.css"); body { display: none }</style><link rel="stylesheet" href="http://127.0.0.1:9/x.css">`,
    `<base href="http://127.0.0.1:9/"><meta http-equiv="refresh" content="0;url=http://127.0.0.1:9/">`,
    `<div style="position:fixed;inset:0;background:url(http://127.0.0.1:9/x)">cover</div>`,
    `![x](http://127.0.0.1:9/x.png) ![x](javascript:${mark}) ![x" onerror="${mark}](x)`,
    '```html\n<script>' +
      mark +
      '</script>\n```\n\n```"><img src=x onerror=' +
      mark +
      '>\ncode\n```\n\n```mermaid\ngraph TD; A["<img src=x onerror=' +
      mark +
      '>"] --> B\nclick A "javascript:' +
      mark +
      '"\n```',
    `$\\href{javascript:${mark}}{x}$ $$\\htmlData{x=1}{y} \\includegraphics{http://127.0.0.1:9/x.png} \\url{javascript:${mark}}$$ $\\text{<img src=x onerror=${mark}>}$`,
    `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${mark}&gt;">`,
    `<noscript><p title="</noscript><img src=x onerror=${mark}>">`,
    `<details open ontoggle=${mark}>x</details><video><source onerror=${mark}></video>`,
    `[ref][1]\n\n[1]: javascript:${mark} "title"\n\n<javascript:${mark}>\n\n| a | b |\n|---|---|\n| <img src=x onerror=${mark}> | [x](javascript:${mark}) |\n\n[^1]: <script>${mark}</script>\n\ntext[^1]`,
  ]
  const { id } = await ask<{ id: string }>(page, 'chat/create', { system: `<img src=x onerror=${mark}>` })
  for (const [place, text] of payloads.entries()) await ask(page, 'chat/add', { id, role: place % 3 === 2 ? 'user' : 'assistant', text })
  for (const text of payloads.filter((_text, place) => place % 3 === 2)) await ask(page, 'chat/add', { id, role: 'assistant', text })
  await ask(page, 'chat/rename', { id, title: `<img src=x onerror=${mark}>` })
  await page.evaluate((to) => {
    location.hash = `/chat/${to}`
  }, id)
  await expect(page.getByTestId('message-assistant').last().locator('.md')).toBeVisible({ timeout: 30_000 })
  await expect(page.locator('.md .katex').first()).toBeVisible()
  const audit = () =>
    page.evaluate(() => {
      const bad: string[] = []
      for (const node of document.body.querySelectorAll('*')) {
        const tag = node.localName
        if (['iframe', 'object', 'embed', 'base', 'meta', 'link', 'style', 'form', 'video', 'source'].includes(tag))
          bad.push(node.outerHTML.slice(0, 200))
        if (tag === 'script' && node.getAttribute('src') === null) bad.push(node.outerHTML.slice(0, 200))
        if (tag === 'img' && node.closest('.msgs') !== null) bad.push(node.outerHTML.slice(0, 200))
        for (const { name, value } of node.attributes) {
          if (name.startsWith('on')) bad.push(`${tag} ${name}`)
          if ((name === 'href' || name === 'src' || name === 'xlink:href') && !/^(https?:|#|snug:|\.|\/)/.test(value))
            bad.push(`${tag} ${name}=${value}`)
          if (name === 'style' && /url\(|fixed/.test(value)) bad.push(`${tag} style=${value}`)
        }
      }
      return { bad, xss: '__xss' in window, hidden: getComputedStyle(document.body).display }
    })
  expect(await audit()).toEqual({ bad: [], xss: false, hidden: 'block' })
  for (const words of await page.getByText('click', { exact: true }).all()) await words.click()
  expect(await audit()).toEqual({ bad: [], xss: false, hidden: 'block' })
  // The name of a model is a stranger's text, too.
  await page.getByRole('link', { name: en.common.library }).click()
  await expect(page.getByText('<img src=x onerror=window.__xss=1>').first()).toBeVisible()
  expect(await page.evaluate(() => '__xss' in window)).toBe(false)
})

test('links open in the browser only after a yes, and only those of the web', async () => {
  const { page, app } = snug
  await app.evaluate(({ dialog, shell }) => {
    const seen: { asked: string[]; opened: string[]; answer: number } = { asked: [], opened: [], answer: 1 }
    Object.assign(globalThis, { seen })
    dialog.showMessageBox = (async (...args: unknown[]) => {
      seen.asked.push(String((args.at(-1) as { detail?: string }).detail))
      return { response: seen.answer, checkboxChecked: false }
    }) as typeof dialog.showMessageBox
    shell.openExternal = async (address) => void seen.opened.push(address)
  })
  const seen = () => app.evaluate(() => (globalThis as unknown as { seen: { asked: string[]; opened: string[] } }).seen)
  const refused = [
    'javascript:alert(1)',
    'file:///etc/passwd',
    'snug://app/',
    'ftp://example.org/',
    'data:text/html,x',
    'https://user:secret@example.org/',
    'https://user@example.org/',
    'mailto:x@example.org',
    'x',
    '',
    `https://example.org/${'x'.repeat(3_000)}`,
    'smb://host/share',
    'vscode://x',
    ' https:// ',
  ]
  for (const url of refused) {
    const answer = await call(page, 'app/openLink', { url })
    expect([url, (answer?.status ?? 0) >= 400]).toEqual([url, true])
  }
  expect(await seen()).toMatchObject({ asked: [], opened: [] })

  const { id } = await ask<{ id: string }>(page, 'chat/create', {})
  await ask(page, 'chat/add', { id, role: 'assistant', text: 'See [here](https://example.org/a?b=1#c).' })
  await page.evaluate((to) => {
    location.hash = `/chat/${to}`
  }, id)
  const link = page.getByRole('link', { name: 'here' })
  await link.click()
  await expect.poll(seen).toMatchObject({ asked: ['https://example.org/a?b=1#c'], opened: [] })
  await app.evaluate(() => Object.assign((globalThis as unknown as { seen: object }).seen, { answer: 0 }))
  await link.click()
  await expect.poll(seen).toMatchObject({ opened: ['https://example.org/a?b=1#c'] })
  await link.click({ button: 'middle' })
  await link.click({ modifiers: ['Shift'] })
  await expect.poll(async () => (await seen()).opened.length).toBe(2)
  expect(await app.evaluate(({ webContents }) => webContents.getAllWebContents().length)).toBe(1)
})
