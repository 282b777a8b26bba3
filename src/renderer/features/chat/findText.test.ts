// @vitest-environment jsdom
import { describe, expect, it } from 'vitest'
import { findText } from './findText'

function element(...parts: (string | [tag: string, text: string])[]): HTMLElement {
  const root = document.createElement('div')
  for (const part of parts) {
    if (typeof part === 'string') root.append(part)
    else {
      const child = document.createElement(part[0])
      child.textContent = part[1]
      root.append(child)
    }
  }
  return root
}

describe('findText', () => {
  it('finds each place, case ignored', () => {
    expect(findText(element('Cache the CACHE'), 'cache').map(String)).toEqual(['Cache', 'CACHE'])
  })
  it('crosses the borders of inner elements', () => {
    expect(findText(element('the KV ', ['b', 'ca'], 'che grows'), 'kv cache').map(String)).toEqual(['KV cache'])
  })
  it('finds Chinese, and nothing for nothing', () => {
    expect(findText(element('显存和内存'), '存')).toHaveLength(2)
    expect(findText(element('x'), ' ')).toEqual([])
    expect(findText(element('x'), 'y')).toEqual([])
  })
})
