import type { Area, HandlerContext } from './context'

export const downloadsHandlers = (area: Area<'downloads'>, { core: { downloads, chatWishes } }: HandlerContext) => ({
  start: area.start.handler(({ input: { thenChat = false, ...file } }) => {
    const started = downloads.start(file)
    return thenChat ? chatWishes.with(started) : started
  }),
  startAddress: area.startAddress.handler(({ input: { thenChat = false, address } }) => {
    const started = downloads.startAddress(address)
    return thenChat ? chatWishes.with(started) : started
  }),
  takeChat: area.takeChat.handler(({ input }) => chatWishes.take(input.id)),
  list: area.list.handler(() => downloads.list()),
  follow: area.follow.handler(({ signal }) => downloads.follow(signal)),
  pause: area.pause.handler(({ input }) => downloads.pause(input.id).then(() => null)),
  resume: area.resume.handler(({ input }) => downloads.resume(input.id).then(() => null)),
  cancel: area.cancel.handler(({ input }) => downloads.cancel(input.id).then(() => null)),
  move: area.move.handler(({ input }) => {
    downloads.move(input.id, input.to)
    return null
  }),
  dismiss: area.dismiss.handler(({ input }) => downloads.dismiss(input.id).then(() => null)),
})
