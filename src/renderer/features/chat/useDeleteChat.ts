import { client } from '../../lib/client'
import { useMessages } from '../../lib/i18n'
import { toast } from '../../ui'

/** Gone from the list at once, and back with one click for as long as main keeps it. */
export function useDeleteChat(): (chat: { id: string; title: string }) => Promise<void> {
  const { chat, common } = useMessages()
  return async ({ id, title }) => {
    await client.chat.remove({ id })
    toast(chat.deleted({ title: title || common.newChat }), { label: common.undo, run: () => void client.chat.undoRemove({ id }) })
  }
}
