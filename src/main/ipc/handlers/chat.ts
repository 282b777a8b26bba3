import type { Area, HandlerContext } from './context'

export const chatHandlers = (area: Area<'chat'>, { core: { conversations, replies } }: HandlerContext) => ({
  search: area.search.handler(({ input }) => conversations.search(input.query)),
  conversations: area.conversations.handler(() => conversations.list()),
  followConversations: area.followConversations.handler(({ signal }) => conversations.followList(signal)),
  conversation: area.conversation.handler(({ input }) => conversations.get(input.id)),
  followConversation: area.followConversation.handler(({ input, signal }) => conversations.follow(input.id, signal)),
  begin: area.begin.handler(({ input }) => replies.begin(input)),
  rename: area.rename.handler(({ input }) => {
    conversations.rename(input.id, input.title)
    return null
  }),
  remove: area.remove.handler(({ input }) => {
    replies.cancelIn(input.id)
    conversations.remove(input.id)
    return null
  }),
  undoRemove: area.undoRemove.handler(({ input }) => {
    conversations.undoRemove(input.id)
    return null
  }),
  update: area.update.handler(({ input: { id, ...patch } }) => {
    conversations.update(id, patch)
    return null
  }),
  draft: area.draft.handler(({ input }) => ({ text: conversations.draft(input.id) })),
  keepDraft: area.keepDraft.handler(({ input }) => {
    conversations.keepDraft(input.id, input.text)
    return null
  }),
  add: area.add.handler(({ input }) => conversations.add(input)),
  send: area.send.handler(({ input }) => replies.send(input)),
  regenerate: area.regenerate.handler(({ input }) => replies.regenerate(input)),
  edit: area.edit.handler(({ input }) => replies.edit(input)),
  continueReply: area.continueReply.handler(({ input }) => replies.continueReply(input)),
  selectLeaf: area.selectLeaf.handler(({ input }) => {
    conversations.selectLeaf(input)
    return null
  }),
  followReply: area.followReply.handler(({ input, signal }) => replies.followReply(input.replyId, signal)),
  cancel: area.cancel.handler(({ input }) => {
    replies.cancel(input.replyId)
    return null
  }),
  contextUse: area.contextUse.handler(({ input: { id, draft, fresh } }) => replies.contextUse(id, draft, fresh)),
  promptView: area.promptView.handler(({ input }) => replies.promptView(input.id)),
})
