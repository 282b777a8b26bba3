import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Log } from '@shared/log'
import { Network } from '../platform/network'
import { type HostToken, networkConfigFromEnv, tokensFromEnv } from '../platform/networkConfig'
import { SealedFile, type SecretBox } from '../platform/sealedFile'
import { type HubTokensDependencies, HubTokensService } from './hubTokens'

const secret = 'hf_AbCdEfGhIjKlMnOp1234'
const hub = 'https://huggingface.co'
const places = () => [
  { address: hub, hub: 'huggingface' as const },
  { address: 'https://mirror.example/', hub: 'mirror' as const },
  { address: 'http://far.example', hub: 'mirror' as const },
  { address: 'https://modelscope.cn', hub: 'modelscope' as const, cookie: 'm_session_id' },
]

/** No secret at all, but no plain text either, with the name of its key before it. */
function box(key: string | null): SecretBox {
  return {
    available: () => key !== null,
    seal: (text) => `${key}:${Buffer.from(text).toString('base64')}`,
    open: (sealed) => {
      if (key === null || !sealed.startsWith(`${key}:`)) throw new Error('another key')
      return Buffer.from(sealed.slice(key.length + 1), 'base64').toString()
    },
  }
}

const newFile = () => new SealedFile(join(mkdtempSync(join(tmpdir(), 'snug-tokens-')), 'data', 'tokens.json'))

function start(more: Partial<HubTokensDependencies> = {}) {
  const applied: HostToken[][] = []
  const file = more.file ?? newFile()
  const service = new HubTokensService({ places, environment: [], box: box('one'), file, apply: (tokens) => applied.push(tokens), ...more })
  const of = (origin: string) => service.list().hubs.find((known) => known.origin === origin)
  return { service, file, of, sent: () => applied.at(-1) ?? [] }
}

it('shows four characters, sends the whole to its own origin, and keeps it sealed', () => {
  const file = newFile()
  const { service, of, sent } = start({ file })
  expect(of(hub)).toMatchObject({ host: 'huggingface.co', hub: 'huggingface', end: null, from: null, safe: true })
  service.set(`${hub}/`, `  ${secret}\n`)
  expect(of(hub)).toMatchObject({ end: '1234', from: 'stored' })
  expect(JSON.stringify(service.list())).not.toContain(secret.slice(0, -4))
  expect(sent()).toEqual([{ origin: hub, token: secret }])
  expect(readFileSync(file.path, 'utf8')).not.toContain(secret)
  if (process.platform !== 'win32') expect(statSync(file.path).mode & 0o777).toBe(0o600)
  // The next start.
  const again = start({ file })
  expect(again.of(hub)).toMatchObject({ end: '1234', from: 'stored' })
  expect(again.sent()).toEqual([{ origin: hub, token: secret }])
  again.service.remove(hub)
  expect(again.of(hub)).toMatchObject({ end: null, from: null })
  expect(again.sent()).toEqual([])
  expect(() => statSync(file.path)).toThrow('ENOENT')
})

it('sends ModelScope its cookie as well, and shows nothing of a short token', () => {
  const { service, of, sent } = start()
  service.set('https://modelscope.cn', 'short')
  expect(sent()).toEqual([{ origin: 'https://modelscope.cn', token: 'short', cookie: 'm_session_id' }])
  expect(of('https://modelscope.cn')).toMatchObject({ end: '', from: 'stored' })
})

it('keeps nothing where there is no key store, and says so', () => {
  const file = newFile()
  const { service, of, sent } = start({ file, box: box(null) })
  expect(service.list().keeps).toBe(false)
  service.set(hub, secret)
  expect(of(hub)).toMatchObject({ end: '1234', from: 'this-run' })
  expect(sent()).toEqual([{ origin: hub, token: secret }])
  expect(() => statSync(file.path)).toThrow('ENOENT')
  expect(start({ file }).of(hub)).toMatchObject({ end: null })
})

it('tells a token that another key sealed, and does not lose it until another takes its place', () => {
  const file = newFile()
  start({ file, box: box('one') }).service.set(hub, secret)
  for (const key of ['two', null]) {
    const { of, sent } = start({ file, box: box(key) })
    expect(of(hub)).toMatchObject({ end: null, from: 'unreadable' })
    expect(sent()).toEqual([])
  }
  expect(start({ file, box: box('one') }).of(hub)).toMatchObject({ from: 'stored' })
  const { service } = start({ file, box: box('two') })
  service.set('https://mirror.example', 'mirror-token-5678')
  expect(start({ file, box: box('one') }).of(hub)).toMatchObject({ from: 'stored' })
  service.set(hub, 'hf_another_token_9999')
  expect(start({ file, box: box('two') }).of(hub)).toMatchObject({ end: '9999', from: 'stored' })
})

it('lets the environment win, and starts with a damaged file', () => {
  const file = newFile()
  const environment = tokensFromEnv({ HF_TOKEN: 'hf_from_environment_7777' })
  const first = start({ file, environment })
  first.service.set(hub, secret)
  expect(first.of(hub)).toMatchObject({ end: '7777', from: 'environment', variable: 'HF_TOKEN' })
  expect(first.sent().map(({ token }) => token)).toEqual(['hf_from_environment_7777', secret])
  writeFileSync(file.path, '{"https://huggingface.co": 7')
  expect(start({ file }).of(hub)).toMatchObject({ end: null })
  const said: string[] = []
  const log: Log = {
    debug: () => {},
    info: () => {},
    warn: (...words) => said.push(JSON.stringify(words)),
    error: () => {},
    child: () => log,
  }
  start({ file, log })
  expect(said.join()).toContain('cannot be read')
})

it('refuses what is no token, other hubs, and http to another machine, without naming the token', () => {
  const { service, of } = start()
  const thrown = (run: () => unknown) => {
    try {
      run()
    } catch (error) {
      return error instanceof Error ? `${error.message} ${JSON.stringify(error)}` : ''
    }
    throw new Error('nothing was thrown')
  }
  expect(thrown(() => service.set(hub, 'two words of secret'))).not.toContain('words of')
  expect(thrown(() => service.set('https://evil.example', secret))).not.toContain(secret)
  expect(thrown(() => service.set('http://far.example', secret))).not.toContain(secret)
  expect(of('http://far.example')).toMatchObject({ safe: false, end: null })
  expect(service.list().hubs.every(({ end }) => end === null)).toBe(true)
})

it('starts with stored tokens where a place is no address, and skips that place', () => {
  const file = newFile()
  start({ file }).service.set(hub, secret)
  const broken = ['two words', 'ftp://hub.example', ''].map((address) => ({ address, hub: 'environment' as const }))
  const { service, sent } = start({ file, places: () => [...broken, ...places()] })
  expect(sent()).toEqual([{ origin: hub, token: secret }])
  expect(service.list().hubs.map(({ origin }) => origin)).toEqual(places().map(({ address }) => new URL(address).origin))
  expect(() => service.set('ftp://hub.example', secret)).toThrow('not an address')
})

it('reads HF_ENDPOINT without its scheme, and gives the token to no other hub where it is no address', () => {
  expect(tokensFromEnv({ HF_TOKEN: 'a', HF_ENDPOINT: 'hf-mirror.com' })).toMatchObject([{ origin: 'https://hf-mirror.com' }])
  expect(tokensFromEnv({ HF_TOKEN: 'a', HF_ENDPOINT: ' ' })).toMatchObject([{ origin: hub }])
  expect(tokensFromEnv({ HF_TOKEN: 'a', HF_ENDPOINT: 'ftp://x' })).toEqual([])
})

it('gives HF_TOKEN to the host of HF_ENDPOINT, and ModelScope its own', () => {
  const env = { HF_TOKEN: 'a', HF_ENDPOINT: 'https://hub.example/x', MODELSCOPE_API_TOKEN: 'b', MODELSCOPE_DOMAIN: 'www.modelscope.ai' }
  expect(tokensFromEnv(env)).toEqual([
    { origin: 'https://hub.example', token: 'a', variable: 'HF_TOKEN' },
    { origin: 'https://www.modelscope.ai', token: 'b', cookie: 'm_session_id', variable: 'MODELSCOPE_API_TOKEN' },
  ])
  expect(new Network(networkConfigFromEnv(env, false)).config.tokens?.map(({ token }) => token)).toEqual(['a', 'b'])
})
