import { SnugError, toErrorValue } from '@shared/errors'
import { messages } from '@shared/i18n'
import { expect, it } from 'vitest'
import { failureText, usageError } from './failure'

const en = messages('en')
const zh = messages('zh-CN')
const said = (error: SnugError, language: 'en' | 'zh-CN') => failureText(toErrorValue(error), language === 'en' ? en : zh, language)

it('names what it is about, once', () => {
  const gone = new SnugError('model/not-found', 'no file there (ENOENT)', { path: '/m/a.gguf' })
  expect(said(gone, 'en')).toBe(
    'There is no such model: no file there (ENOENT) (/m/a.gguf). Check the path or the name; `snug list` shows what is here.',
  )
  const named = new SnugError('hub/not-found', 'owner/x has no Q9; it has Q4_K_M', { repository: 'owner/x', has: ['Q4_K_M'] })
  expect(said(named, 'en')).toContain(': owner/x has no Q9; it has Q4_K_M. ')
})

it('has no English in a Chinese sentence but names', () => {
  const gone = new SnugError('model/not-found', 'no file there (ENOENT)', { path: '/m/a.gguf' })
  expect(said(gone, 'zh-CN')).toMatch(/^没有这个模型（\/m\/a\.gguf）。/)
  expect(said(new SnugError('hub/not-found', 'x', { repository: 'owner/x', has: ['Q4_K_M'] }), 'zh-CN')).toContain(
    '（owner/x，其中有 Q4_K_M）',
  )
  const refused = new SnugError('template/failed', 'the chat template failed: turns must alternate', { reason: 'turns must alternate' })
  expect(said(refused, 'zh-CN')).toContain('（turns must alternate）')
  expect(said(new SnugError('engine/busy', 'the model is busy with another call'), 'zh-CN')).toBe(
    `${zh.errors['engine/busy'].title}。${zh.errors['engine/busy'].action}`,
  )
})

it('names a certificate’s host and reason once, with what helps against its trouble', () => {
  const data = { host: 'hub.example', reason: 'CERT_HAS_EXPIRED', trouble: 'date' }
  const expired = new SnugError('network/certificate', 'the certificate of hub.example is not accepted: CERT_HAS_EXPIRED', data)
  for (const [language, words] of [
    ['en', en],
    ['zh-CN', zh],
  ] as const) {
    const sentence = said(expired, language)
    expect(sentence).toContain(words.common.certificate.date(data))
    expect(sentence.split('hub.example')).toHaveLength(2)
  }
})

it('says wrong usage in the language of the terminal', () => {
  const wrong = usageError('cannotRead', { path: '/tmp/none.json' })
  expect(wrong).toMatchObject({
    code: 'usage/invalid',
    message: 'cannot read /tmp/none.json',
    data: { exit: 'usage', path: '/tmp/none.json' },
  })
  expect(said(wrong, 'en')).toBe('That is not possible: cannot read /tmp/none.json.')
  expect(said(wrong, 'zh-CN')).toBe('不能这样做（读不了 /tmp/none.json）。')
})

it('says of a repository that needs an agreement where that is given', () => {
  const gated = new SnugError('hub/gated', 'x', { page: 'https://hub.example/owner/x' })
  for (const language of ['en', 'zh-CN'] as const) expect(said(gated, language)).toContain('https://hub.example/owner/x')
})
