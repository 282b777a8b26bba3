import { expect, it } from 'vitest'
import { hubAddress } from './endpoint'

it.each([
  ['hf-mirror.com', 'https://hf-mirror.com'],
  [' hub.example:8443/sub/ ', 'https://hub.example:8443/sub'],
  ['localhost:8080', 'http://localhost:8080'],
  ['127.0.0.1', 'http://127.0.0.1'],
  ['[::1]:80/x', 'http://[::1]/x'],
  ['localhost.example', 'https://localhost.example'],
  ['http://hub.example//', 'http://hub.example'],
  ['https://hub.example/?a=1#b', 'https://hub.example'],
  ['ftp://hub.example', null],
  ['file:///etc/passwd', null],
  ['https://', null],
  ['two words', null],
  ['', null],
])('%s is %s', (text, address) => expect(hubAddress(text)).toBe(address))
