import { expect, test } from 'vitest'
import type { PromptMessage, Role } from '@shared/domain/chat'
import type { MessageRow } from '../db/repositories/messages'
import { type PolicyInput, planPrompt, promptMessages, replyRoom } from './contextPolicy'

let serial = 0
function message(role: Role, text: string, thought = ''): MessageRow {
  const segments = [
    ...(thought === '' ? [] : [{ kind: 'thought' as const, text: thought, ms: 1, tokens: 1 }]),
    { kind: 'answer' as const, text, ms: 0, tokens: 0 },
  ]
  const id = `m${++serial}`
  return {
    id,
    conversationId: 'c',
    parentId: null,
    role,
    status: 'done',
    modelId: null,
    modelName: null,
    promptSettings: null,
    segments,
    raw: '',
    stats: null,
    error: null,
    createdAt: 0,
  }
}

/** One token a character of content and thought, four for each message's frame. */
const length = (messages: PromptMessage[]) =>
  messages.reduce((sum, { content, thought = '' }) => sum + content.length + thought.length + 4, 0)

function plan(input: Partial<PolicyInput> & { branch: MessageRow[] }) {
  return planPrompt({
    system: null,
    contextSize: 1_000,
    room: 200,
    firstMessageId: null,
    count: async (messages) => length(messages),
    ...input,
  })
}

test('a chat of ten thousand messages is counted where it may fit, not where it cannot', async () => {
  const branch = Array.from({ length: 10_000 }, (_, index) =>
    message(index % 2 === 0 ? 'user' : 'assistant', `message ${index} `.repeat(4)),
  )
  const counted: number[] = []
  const found = await plan({
    branch,
    count: async (messages) => {
      counted.push(messages.length)
      return length(messages)
    },
  })
  expect(found.tokens).toBeLessThanOrEqual(800)
  expect(found.tooLong).toBe(false)
  expect(found.messages.at(-1)?.content).toContain('message 9999')
  expect(Math.max(...counted)).toBeLessThan(1_000)
})

test('room: budget and 1,024 of answer, half of a small context, never more than the limit', () => {
  expect(replyRoom(8_192, null, null)).toBe(1_024)
  expect(replyRoom(8_192, 2_048, null)).toBe(3_072)
  expect(replyRoom(1_000, 2_048, null)).toBe(500)
  expect(replyRoom(8_192, null, 100)).toBe(100)
})

test('what fits goes whole, thoughts included', async () => {
  const branch = [message('user', 'a'), message('assistant', 'b', 'thinking'), message('user', 'c')]
  const got = await plan({ branch, system: 'S' })
  expect(got.messages).toEqual([
    { role: 'system', content: 'S' },
    { role: 'user', content: 'a' },
    { role: 'assistant', content: 'b', thought: 'thinking' },
    { role: 'user', content: 'c' },
  ])
  expect(got).toMatchObject({ droppedMessages: 0, droppedThoughts: false, firstMessageId: null, tooLong: false })
})

test('old thoughts go first', async () => {
  const branch = [message('user', 'a'), message('assistant', 'b', 't'.repeat(900)), message('user', 'c')]
  const got = await plan({ branch })
  expect(got.droppedThoughts).toBe(true)
  expect(got.droppedMessages).toBe(0)
  expect(got.messages[1]).toEqual({ role: 'assistant', content: 'b' })
})

test('then the oldest turns, whole, down to three quarters; system messages stay', async () => {
  const branch = [message('system', 'be brief')]
  for (let turn = 0; turn < 20; turn++)
    branch.push(message('user', `${turn}`.padStart(2, '0').repeat(20)), message('assistant', 'y'.repeat(40)))
  branch.push(message('user', 'now'))
  const got = await plan({ branch, system: 'SYSTEM' })
  expect(got.messages.slice(0, 3).map((entry) => entry.role)).toEqual(['system', 'system', 'user'])
  expect(got.messages.at(-1)).toEqual({ role: 'user', content: 'now' })
  expect(got.tokens).toBeLessThanOrEqual(600)
  expect(got.tokens).toBeGreaterThan(600 - 88 * 2)
  expect(got.droppedMessages % 2).toBe(0)
  expect(branch.find((row) => row.id === got.firstMessageId)?.role).toBe('user')

  // The next turn begins at the same message although fewer turns would have to go: the cache stays.
  const next = await plan({
    branch: [...branch, message('assistant', 'y'), message('user', 'more')],
    system: 'SYSTEM',
    firstMessageId: got.firstMessageId,
  })
  expect(next.firstMessageId).toBe(got.firstMessageId)
  expect(next.droppedMessages).toBe(got.droppedMessages)
})

test('a last turn that leaves too little room is said to be too long, one that leaves some is not', async () => {
  const old = [message('user', 'x'.repeat(500)), message('assistant', 'y')]
  expect(await plan({ branch: [...old, message('user', 'z'.repeat(990))] })).toMatchObject({ tooLong: true })
  expect(await plan({ branch: [...old, message('user', 'z'.repeat(850))] })).toMatchObject({ tooLong: false, droppedMessages: 2 })
  expect(await plan({ branch: [message('user', 'z'.repeat(2_000))] })).toMatchObject({ tooLong: true, droppedMessages: 0 })
})

test('at every size: never longer than the budget unless it says so, and the last message is always there', async () => {
  for (let size = 60; size < 1_500; size += 37) {
    const branch: MessageRow[] = []
    for (let turn = 0; turn < 9; turn++)
      branch.push(message('user', 'q'.repeat(10 + turn * 7)), message('assistant', 'a'.repeat(30), 't'.repeat(20)))
    branch.push(message('user', 'last'))
    const got = await plan({ branch, contextSize: size, room: Math.floor(size / 2) })
    expect(got.messages.at(-1)).toEqual({ role: 'user', content: 'last' })
    if (!got.tooLong) expect(got.tokens).toBeLessThanOrEqual(size)
  }
})

test('a reply without an answer is no turn, and a beginning of the model stays last', () => {
  const failed = { ...message('assistant', ''), segments: [] }
  expect(promptMessages(null, [message('user', 'a'), failed, message('user', 'b')], false)).toEqual([{ role: 'user', content: 'a\n\nb' }])
  expect(promptMessages('', [message('user', 'a'), message('assistant', 'Once', 'plan')], true)).toEqual([
    { role: 'system', content: '' },
    { role: 'user', content: 'a' },
    { role: 'assistant', content: 'Once', thought: 'plan' },
  ])
})
