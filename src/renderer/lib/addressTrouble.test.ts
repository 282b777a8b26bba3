import { SnugError } from '@shared/errors'
import { messages } from '@shared/i18n'
import { expect, it } from 'vitest'
import { addressTrouble } from './addressTrouble'

it.each([
  ['hub/not-found', { status: 404 }, 'missing'],
  ['hub/not-found', { status: 403 }, 'refused'],
  ['hub/bad-answer', { what: 'web-page' }, 'webPage'],
  ['hub/bad-answer', { what: 'no-length' }, 'noLength'],
  ['hub/bad-answer', { redirect: true }, 'badAnswer'],
  ['hub/unreachable', {}, 'silent'],
  ['hub/rate-limited', {}, 'wait'],
  ['model/corrupt-file', {}, 'noGguf'],
  ['download/changed', {}, 'changed'],
  ['usage/invalid', {}, 'noModel'],
] as const)('%s %o has words of its own, which do not speak of a hub', (code, data, name) => {
  for (const language of ['en', 'zh-CN'] as const) {
    const words = messages(language).discover.address.trouble
    expect(addressTrouble(new SnugError(code, '', data), words)).toBe(words[name])
    expect(words[name].title).not.toMatch(/\bhub\b|下载站/)
  }
})

it('leaves to the code what it says well', () => {
  const words = messages('en').discover.address.trouble
  for (const code of ['network/offline', 'download/disk-full', 'model/unsupported'] as const)
    expect(addressTrouble(new SnugError(code, ''), words)).toBeUndefined()
})
