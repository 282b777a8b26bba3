import { describe, expect, it } from 'vitest'
import { proxyFor, proxyFromSystem, proxyRuleFromEnv } from './proxy'
import { isLoopback, nextAddress } from './redirects'

describe('a redirect', () => {
  const from = new URL('https://hub.example/model/resolve/main/a.gguf')
  it.each([
    ['https://cdn.example/x?sig=1', 'https://cdn.example/x?sig=1'],
    ['/other/place', 'https://hub.example/other/place'],
    ['//cdn.example/y', 'https://cdn.example/y'],
  ])('to %s is followed', (location, expected) => expect(nextAddress(from, location).href).toBe(expected))

  it.each([
    'http://hub.example/plain',
    'https://127.0.0.1/inside',
    'https://localhost:8080/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://10.1.2.3/',
    'https://169.254.169.254/latest/meta-data',
    'https://192.168.1.1/router',
    'https://172.20.0.1/',
    'https://user:secret@cdn.example/',
    'file:///etc/passwd',
    'data:text/html,hello',
    'javascript:alert(1)',
    'https://',
  ])('to %s is refused', (location) => {
    expect(() => nextAddress(from, location)).toThrow(expect.objectContaining({ code: 'hub/bad-answer' }))
  })

  it('inside this network may stay inside it', () => {
    expect(nextAddress(new URL('http://127.0.0.1:1/a'), 'http://127.0.0.1:2/b').port).toBe('2')
  })
})

it('knows this machine', () => {
  expect(['localhost', '127.0.0.1', '127.9.9.9', '[::1]', 'a.localhost'].every(isLoopback)).toBe(true)
  expect(['127.0.0.1.nip.io', 'localhost.evil', 'example.com', '128.0.0.1'].some(isLoopback)).toBe(false)
})

it('reads proxies as curl does', () => {
  const rule = proxyRuleFromEnv({ HTTPS_PROXY: 'http://user:pw@proxy:3128', NO_PROXY: 'internal.example, .corp' })
  expect(proxyFor(rule, new URL('https://huggingface.co/x'))?.host).toBe('proxy:3128')
  expect(proxyFor(rule, new URL('https://a.corp/x'))).toBeNull()
  expect(proxyFor(rule, new URL('https://internal.example/x'))).toBeNull()
  expect(proxyFor(rule, new URL('http://huggingface.co/x'))).toBeNull()
  expect(proxyFor(proxyRuleFromEnv({ ALL_PROXY: 'socks5h://x:1' }), new URL('https://huggingface.co'))?.href).toBe('socks5h://x:1')
  expect(proxyFor(proxyRuleFromEnv({ HTTPS_PROXY: 'x:1' }), new URL('https://huggingface.co'))?.href).toBe('http://x:1/')
})

it('asks the system where the environment names no proxy, and never for what it excepts', () => {
  const address = new URL('https://huggingface.co/x')
  expect(proxyRuleFromEnv({ HTTPS_PROXY: '', NO_PROXY: ' ' })).toBeNull()
  expect(proxyFor(null, address)).toBeUndefined()
  const except = proxyRuleFromEnv({ NO_PROXY: 'huggingface.co' })
  expect(proxyFor(except, address)).toBeNull()
  expect(proxyFor(except, new URL('https://modelscope.cn'))).toBeUndefined()
})

it.each([
  ['DIRECT', null],
  ['', null],
  ['PROXY proxy.corp:3128', 'http://proxy.corp:3128/'],
  ['PROXY proxy.corp:80; DIRECT', 'http://proxy.corp/'],
  ['HTTPS proxy.corp:443', 'https://proxy.corp/'],
  ['SOCKS5 [::1]:1080', 'socks5://[::1]:1080'],
  // What cannot be used is passed over for what can.
  ['SOCKS old.corp:1080; PROXY proxy.corp:3128', 'http://proxy.corp:3128/'],
  ['SOCKS4 old.corp:1080; DIRECT', null],
  ['  proxy a.b:1 ;socks5 c.d:2', 'http://a.b:1/'],
  ['nonsense; PROXY', null],
])('reads what the system says: %j', (answer, expected) => expect(proxyFromSystem(answer)?.href ?? null).toBe(expected))

it.each(['SOCKS old.corp:1080', 'SOCKS4 old.corp:1080', 'QUIC quick.corp:443'])('names a proxy that it cannot use: %s', (answer) => {
  expect(() => proxyFromSystem(answer)).toThrow(expect.objectContaining({ code: 'network/proxy-kind' }))
  expect(() => proxyFor(proxyRuleFromEnv({ HTTPS_PROXY: 'socks4://user:secret@old.corp:1080' }), new URL('https://a.b'))).toThrow(
    expect.objectContaining({ data: { proxy: 'socks4://old.corp:1080' } }),
  )
})
