import { describe, expect, it } from 'vitest'
import { keyAction, keyLabel } from './keyboard'

const press = (key: string, held: Partial<Record<'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey', boolean>> = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...held,
})

describe('keyAction', () => {
  it('opens the five places in the order of the sidebar', () => {
    expect(keyAction(press('1', { ctrlKey: true }), false)).toEqual({ kind: 'page', page: 'chat' })
    expect(keyAction(press('5', { ctrlKey: true }), false)).toEqual({ kind: 'page', page: 'machine' })
    expect(keyAction(press('6', { ctrlKey: true }), false)).toBeNull()
  })
  it('uses Cmd on macOS and leaves Ctrl alone there', () => {
    expect(keyAction(press('n', { metaKey: true }), true)).toEqual({ kind: 'command', command: 'new-chat' })
    expect(keyAction(press('n', { ctrlKey: true }), true)).toBeNull()
  })
  it('finds in the chat', () => {
    expect(keyAction(press('f', { ctrlKey: true }), false)).toEqual({ kind: 'command', command: 'find' })
  })
  it('copies with Shift, switches branches with Alt', () => {
    expect(keyAction(press('C', { ctrlKey: true, shiftKey: true }), false)).toEqual({ kind: 'command', command: 'copy-last' })
    expect(keyAction(press('ArrowLeft', { altKey: true }), false)).toEqual({ kind: 'command', command: 'previous-branch' })
  })
  it('leaves Option and an arrow to a text on macOS, where they move by a word', () => {
    const left = press('ArrowLeft', { altKey: true })
    expect(keyAction(left, true, true)).toBeNull()
    expect(keyAction(left, true, false)).toEqual({ kind: 'command', command: 'previous-branch' })
    expect(keyAction(left, false, true)).toEqual({ kind: 'command', command: 'previous-branch' })
  })
  it('leaves plain typing and inherited names alone', () => {
    expect(keyAction(press('n'), false)).toBeNull()
    expect(keyAction(press('toString', { ctrlKey: true }), false)).toBeNull()
  })
})

describe('keyLabel', () => {
  it('writes Cmd as its sign', () => {
    expect(keyLabel('Ctrl Shift C', true)).toBe('⌘ ⇧ C')
    expect(keyLabel('Ctrl N', false)).toBe('Ctrl N')
  })
})
