import { type Conversation, type ConversationSettings, type Message, type Role, defaultConversationSettings } from '@shared/domain/chat'
import { useCallback, useMemo, useState } from 'react'
import { useLocation } from 'wouter'
import { client } from '../../lib/client'
import { useFollow } from '../../lib/useFollow'
import { byParent, neighbour, visibleBranch } from './branch'

/** A message after an edit. */
export interface Changed {
  text: string
  role: Role
  /** Asks for a reply; as the assistant: goes on with the text. */
  answer: boolean
}

export interface Chat {
  id: string | null
  conversation: Conversation | null
  /** The conversation could not be read. */
  problem: unknown
  /** What the last command threw; shown where it happened. */
  error: unknown
  settings: ConversationSettings
  system: string | null
  branch: Message[]
  /** The reply being written on this branch. */
  streaming: Message | null
  setSettings: (settings: ConversationSettings) => void
  setSystem: (system: string | null) => void
  /** False: it failed and the text should stay. */
  submit: (role: Role, text: string, answer: boolean) => Promise<boolean>
  stop: () => void
  /** False: it was refused and the text should stay. */
  edit: (message: Message, changed: Changed) => Promise<boolean>
  again: (message: Message) => void
  carryOn: (message: Message) => void
  step: (message: Message, step: -1 | 1) => void
  /** The branch that this message is on. */
  show: (messageId: string) => void
  versions: (message: Message) => { index: number; total: number }
}

interface Unsent {
  settings: ConversationSettings
  system: string | null
}
const untold: Unsent = { settings: defaultConversationSettings, system: null }
/** What a chat that has no message yet was told. It outlives the page, so that a look at another costs nothing; its text is a draft of main's. */
let unsent = untold

/** One conversation, or one that does not exist before its first message is sent. */
export function useChat(id: string | null): Chat {
  const [, go] = useLocation()
  const [conversation, setConversation] = useState<Conversation | null>(null)
  const [problem, setProblem] = useState<unknown>(null)
  const [error, setError] = useState<unknown>(null)
  const [draft, show] = useState(unsent)
  const setDraft = (next: Unsent) => {
    unsent = next
    show(next)
  }

  useFollow<Conversation>(id, {
    open: (signal) => client.chat.followConversation({ id: id ?? '' }, { signal }),
    onValue: (next) => {
      setConversation(next)
      setProblem(null)
    },
    onError: setProblem,
    ends: false,
  })

  const messages = conversation?.messages
  const branch = useMemo(() => visibleBranch(messages ?? [], conversation?.leafId ?? null), [messages, conversation?.leafId])
  const streaming = branch.find((message) => message.status === 'streaming') ?? null

  const run = useCallback(async (work: () => Promise<unknown>): Promise<boolean> => {
    setError(null)
    try {
      await work()
      return true
    } catch (thrown) {
      setError(thrown)
      return false
    }
  }, [])

  const actions = useMemo(() => {
    const here = id ?? ''
    const list = messages ?? []
    const below = byParent(list)
    return {
      edit: (message: Message, { text, role, answer }: Changed) =>
        run(() => client.chat.edit({ id: here, messageId: message.id, text, role, reply: answer })),
      again: (message: Message) => void run(() => client.chat.regenerate({ id: here, messageId: message.id })),
      carryOn: (message: Message) => void run(() => client.chat.continueReply({ id: here, messageId: message.id })),
      step: (message: Message, step: -1 | 1) => {
        const beside = neighbour(list, message, step)
        if (beside !== null) void run(() => client.chat.selectLeaf({ id: here, messageId: beside }))
      },
      show: (messageId: string) => void run(() => client.chat.selectLeaf({ id: here, messageId })),
      versions: (message: Message) => {
        const all = below.get(message.parentId) ?? []
        return { index: all.findIndex((other) => other.id === message.id) + 1, total: all.length }
      },
    }
  }, [id, messages, run])

  const settings = conversation?.settings ?? draft.settings
  const system = conversation === null ? draft.system : conversation.system

  return {
    id,
    conversation,
    problem,
    error,
    settings,
    system,
    branch,
    streaming,
    ...actions,
    setSettings: (next) => {
      if (id === null) setDraft({ ...unsent, settings: next })
      else {
        // Shown at once; main's snapshot follows and wins.
        setConversation((before) => (before === null ? null : { ...before, settings: next }))
        void run(() => client.chat.update({ id, settings: next }))
      }
    },
    setSystem: (next) => {
      if (id === null) setDraft({ ...unsent, system: next })
      else {
        setConversation((before) => (before === null ? null : { ...before, system: next }))
        void run(() => client.chat.update({ id, system: next }))
      }
    },
    stop: () => {
      if (streaming !== null) void run(() => client.chat.cancel({ replyId: streaming.id }))
    },
    submit: async (role, text, answer) =>
      run(async () => {
        if (id === null) {
          // Chat and message at once: a refusal leaves nothing behind, and what is changed before the next attempt counts for it.
          const begun = await client.chat.begin({ ...draft, role, text, answer })
          unsent = untold
          go(`/chat/${begun.id}`, { replace: true })
        } else if (answer) await client.chat.send({ id, role, text })
        else await client.chat.add({ id, role, text })
      }),
  }
}
