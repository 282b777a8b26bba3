import { describe, expect, it } from 'vitest'
import { isRpcMessage } from './portGuard'

const request = (more: object) => JSON.stringify({ i: '1', p: { u: '/app/info', ...more } })

describe('isRpcMessage', () => {
  it('takes a request, an event and a cancel', () => {
    for (const message of [
      request({}),
      request({ b: { json: { id: 'a' } } }),
      request({ h: {} }),
      request({ h: { 'last-event-id': '3' } }),
    ])
      expect([message, isRpcMessage(message)]).toEqual([message, true])
    expect(isRpcMessage('{"i":"1","t":3,"p":{"e":"message","d":1}}')).toBe(true)
    expect(isRpcMessage('{"i":"1","t":4}')).toBe(true)
  })

  it('drops what is no message of ours', () => {
    const others = [
      null,
      1,
      {},
      '',
      '{',
      'null',
      '[]',
      '{}',
      '{"i":1,"p":{"u":"/a"}}',
      '{"i":"1","t":9}',
      '{"i":"1","p":5}',
      '{"i":"1","t":3}',
    ]
    for (const message of others) expect([message, isRpcMessage(message)]).toEqual([message, false])
    expect(isRpcMessage(request({ u: 'http://host/' }))).toBe(false)
    expect(isRpcMessage(request({ b: 'x'.repeat(17_000_000) }))).toBe(false)
  })

  it('drops headers that make oRPC parse a form or a file, which ends as a rejection that nobody catches', () => {
    const headers = [
      5,
      null,
      [],
      { 'content-type': 'multipart/form-data' },
      { 'Content-Type': 'text/event-stream' },
      { 'content-disposition': 'attachment' },
      { 'content-type': 5 },
      { 'last-event-id': ['1'] },
    ]
    for (const h of headers) expect([h, isRpcMessage(request({ h }))]).toEqual([h, false])
  })
})
