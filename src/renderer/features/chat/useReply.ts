import type { Message } from '@shared/domain/chat'
import type { ReplyEvent } from '@shared/ipc/chat'
import { useEffect, useReducer, useState } from 'react'
import { flushSync } from 'react-dom'
import { client } from '../../lib/client'
import { useFollow } from '../../lib/useFollow'
import { createPacer, drawingShare } from './pacer'
import { type Reply, applyEvent } from './reply'

/** Of the updates, one in so many is timed: to time one asks for another frame. */
const measureEvery = 4

/** Follows a reply while it is written; a reply has the id of its message. Leaving the page ends nothing. */
export function useReply(message: Message): Reply | null {
  const [reply, dispatch] = useReducer((before: Reply | null, events: ReplyEvent[]) => events.reduce(applyEvent, before), null)
  const streaming = message.status === 'streaming'
  const [pacer] = useState(() => {
    let updates = 0
    return createPacer({
      share: drawingShare(navigator.hardwareConcurrency),
      draw: (events, cost) => {
        const began = performance.now()
        flushSync(() => dispatch(events))
        const rendered = performance.now() - began
        if (updates++ % measureEvery !== 0) return
        // Hidden windows have no frames; then the last known cost goes on.
        requestAnimationFrame(() => {
          const frame = performance.now()
          setTimeout(() => cost(rendered + performance.now() - frame))
        })
      },
    })
  })
  useEffect(() => () => pacer.stop(), [pacer])
  useFollow<ReplyEvent>(streaming ? message.id : null, {
    open: (signal) => client.chat.followReply({ replyId: message.id }, { signal }),
    onValue: pacer.push,
    ends: true,
  })
  return streaming ? reply : null
}
