import { shortSource } from '@shared/domain/source'
import { useEffect, useRef } from 'react'
import { client } from '../../lib/client'
import { useMessages } from '../../lib/i18n'
import { downloadsLive, libraryLive, useLive } from '../../lib/live'
import { isWriting } from '../../lib/writing'
import { toast } from '../../ui'
import { useChatWith } from '../../lib/useChatWith'

/** Opens the chat that was asked for with a download, whatever page is shown when it is here; who is busy is only told. */
export function useChatWishes(): void {
  const { library } = useMessages()
  const chat = useChatWith()
  const latest = useRef({ library, chat })
  useEffect(() => {
    latest.current = { library, chat }
  })
  const here = useLive(downloadsLive)?.find(({ thenChat, state, modelId }) => thenChat === true && state === 'done' && modelId !== null)
  const { id = null, modelId = null, repository = '' } = here ?? {}
  useEffect(() => {
    if (id === null || modelId === null) return
    client.downloads
      .takeChat({ id })
      .then((wish) => {
        const { library: words, chat: open } = latest.current
        const name = libraryLive.get()?.find((model) => model.id === modelId)?.name ?? shortSource(repository)
        if (wish === 'now' && !isWriting(document.activeElement)) open(modelId)
        else if (wish !== 'none') toast(words.arrived({ name }), { label: words.loadAndChat, run: () => open(modelId) })
      })
      // It was taken off the list in that moment: its model is in the library.
      .catch(() => undefined)
  }, [id, modelId, repository])
}
