import type { Message } from '@shared/domain/chat'
import { describe, expect, it } from 'vitest'
import { neighbour, siblings, textOf, visibleBranch } from './branch'

const message = (id: string, parentId: string | null, role: Message['role'] = 'user'): Message => ({
  id,
  conversationId: 'c',
  parentId,
  role,
  status: 'done',
  modelId: null,
  modelName: null,
  segments: [{ kind: 'answer', text: id, ms: 0, tokens: 0 }],
  stats: null,
  error: null,
  createdAt: 0,
})

/** q1 → a1, a2 (→ q2 → a3); q1b is an edit of q1. */
const tree = [message('q1', null), message('a1', 'q1'), message('a2', 'q1'), message('q2', 'a2'), message('a3', 'q2'), message('q1b', null)]
const [q1, a1, a2] = tree

describe('branches', () => {
  it('walks from the leaf to the root', () => {
    expect(visibleBranch(tree, 'a3').map(({ id }) => id)).toEqual(['q1', 'a2', 'q2', 'a3'])
    expect(visibleBranch(tree, null)).toEqual([])
    expect(visibleBranch(tree, 'gone')).toEqual([])
  })
  it('survives a loop in damaged data', () => {
    expect(visibleBranch([message('x', 'y'), message('y', 'x')], 'x')).toHaveLength(2)
  })
  it('finds versions, roots included', () => {
    if (a1 === undefined || q1 === undefined) throw new Error('tree')
    expect(siblings(tree, a1).map(({ id }) => id)).toEqual(['a1', 'a2'])
    expect(siblings(tree, q1).map(({ id }) => id)).toEqual(['q1', 'q1b'])
  })
  it('finds the version beside', () => {
    if (a1 === undefined || a2 === undefined) throw new Error('tree')
    expect(neighbour(tree, a1, 1)).toBe('a2')
    expect(neighbour(tree, a1, -1)).toBeNull()
    expect(neighbour(tree, a2, -1)).toBe('a1')
  })
  it('reads one kind of segment', () => {
    const both: Message = {
      ...message('m', null),
      segments: [
        { kind: 'thought', text: 'hm', ms: 1, tokens: 1 },
        { kind: 'answer', text: 'yes', ms: 1, tokens: 1 },
      ],
    }
    expect(textOf(both)).toBe('yes')
    expect(textOf(both, 'thought')).toBe('hm')
  })
})
