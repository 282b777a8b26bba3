import type { EngineStatus } from '@shared/domain/library'
import type { ContextUse } from '@shared/ipc/chat'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { client } from '../../lib/client'
import type { Chat } from './useChat'

const quietMs = 300

/** Tokens of the next prompt, counted again when typing pauses, the branch grows or another model is loaded. */
export function useContextUse(chat: Chat, text: string, engine: EngineStatus): ContextUse | null {
  const [draft, setDraft] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setDraft(text), quietMs)
    return () => clearTimeout(timer)
  }, [text])
  const loaded = engine.state === 'ready' ? `${engine.modelId}/${engine.contextSize}` : engine.state
  const leaf = chat.branch.at(-1)
  const { settings } = chat
  const query = useQuery({
    queryKey: ['chat.contextUse', chat.id, draft, loaded, leaf?.id, leaf?.status, chat.system, settings.thinking, settings.maxTokens],
    queryFn: () =>
      client.chat.contextUse({ id: chat.id, draft, ...(chat.id === null ? { fresh: { system: chat.system, settings } } : {}) }),
    // While a reply is written its process is busy; the count comes when it ends.
    enabled: (chat.id === null || chat.conversation !== null) && chat.streaming === null,
    placeholderData: keepPreviousData,
    staleTime: 0,
    gcTime: 60_000,
  })
  return query.data ?? null
}
