import type { Message } from '@shared/domain/chat'
import type { ReplyEvent } from '@shared/ipc/chat'
import { useReducer } from 'react'
import { client } from '../../lib/client'
import { useFollow } from '../../lib/useFollow'
import { type Reply, applyEvent } from './reply'

/** Follows a reply while it is written; a reply has the id of its message. Leaving the page ends nothing. */
export function useReply(message: Message): Reply | null {
  const [reply, dispatch] = useReducer(applyEvent, null)
  const streaming = message.status === 'streaming'
  useFollow<ReplyEvent>(streaming ? message.id : null, {
    open: (signal) => client.chat.followReply({ replyId: message.id }, { signal }),
    onValue: dispatch,
    ends: true,
  })
  return streaming ? reply : null
}
