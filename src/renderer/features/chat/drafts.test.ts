import { beforeEach, describe, expect, it } from 'vitest'
import { dropDrafts, keepDraft, readDraft } from './drafts'

class Memory implements Storage {
  readonly map = new Map<string, string>()
  full = false
  get length() {
    return this.map.size
  }
  clear = () => this.map.clear()
  getItem = (key: string) => this.map.get(key) ?? null
  key = (index: number) => [...this.map.keys()][index] ?? null
  removeItem = (key: string) => void this.map.delete(key)
  setItem = (key: string, value: string) => {
    if (this.full) throw new Error('QuotaExceededError')
    this.map.set(key, value)
  }
}

let storage: Memory
beforeEach(() => {
  storage = new Memory()
})

describe('drafts', () => {
  it('keeps one for each chat and one for the chat to come', () => {
    keepDraft(storage, null, 'new')
    keepDraft(storage, 'a', '你好\n')
    expect([readDraft(storage, null), readDraft(storage, 'a'), readDraft(storage, 'b')]).toEqual(['new', '你好\n', ''])
    keepDraft(storage, 'a', '')
    expect(readDraft(storage, 'a')).toBe('')
    expect(readDraft(storage, null)).toBe('new')
  })
  it('lets the oldest go', () => {
    for (let i = 0; i < 60; i++) keepDraft(storage, `c${i}x`, 'text')
    expect(readDraft(storage, 'c0x')).toBe('')
    expect(readDraft(storage, 'c59x')).toBe('text')
  })
  it('drops those of chats that are gone', () => {
    for (const id of [null, 'a', 'b']) keepDraft(storage, id, 'text')
    dropDrafts(storage, (id) => id === 'a')
    expect([null, 'a', 'b'].map((id) => readDraft(storage, id))).toEqual(['text', '', 'text'])
  })
  it('lives with damaged and with full storage', () => {
    storage.map.set('snug.drafts', '{"a":1,')
    expect(readDraft(storage, 'a')).toBe('')
    storage.full = true
    expect(() => keepDraft(storage, 'a', 'x')).not.toThrow()
  })
})
