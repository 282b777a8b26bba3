import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AnyContractProcedure } from '@orpc/contract'
import { expect, test } from '@playwright/test'
import type { ZodType } from 'zod'
import { contract } from '../src/shared/ipc/contract'
import { mark, payloads } from './fixtures/hostileText'
import { type Launched, checkout, freshCache, freshFolder, launchSnug } from './fixtures/launch'
import { malformed } from './fixtures/malformed'
import { addScripted, en, newChat } from './fixtures/models'
import { ask, beginChat, call, type RpcAnswer, uncaught, watchRejections } from './fixtures/rpc'

let snug: Launched

test.beforeAll(async () => {
  const dataDir = freshFolder()
  await addScripted(dataDir, `<img src=x onerror=${mark}>`)
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
  const got = await page.evaluate(async (texts) => {
    const { port1, port2 } = new MessageChannel()
    const answers: string[] = []
    port1.addEventListener('message', ({ data }) => answers.push(String(data)))
    port1.start()
    window.postMessage('snug:connect', location.origin, [port2])
    const messages: unknown[] = [...texts, null, undefined, 1, {}, [], new Uint8Array(8), new Blob(['x']), new Map([['i', '1']])]
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
  }, malformed)
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
  const roleAt = (place: number) => (place % 3 === 2 ? 'user' : 'assistant')
  const [first = '', ...rest] = payloads
  const { id } = await beginChat(page, first, { role: roleAt(0), system: `<img src=x onerror=${mark}>` })
  for (const [place, text] of rest.entries()) await ask(page, 'chat/add', { id, role: roleAt(place + 1), text })
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
    dialog.showMessageBox = async (...args: unknown[]) => {
      seen.asked.push(String((args.at(-1) as { detail?: string }).detail))
      return { response: seen.answer, checkboxChecked: false }
    }
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

  const { id } = await beginChat(page, 'See [here](https://example.org/a?b=1#c).', { role: 'assistant' })
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
