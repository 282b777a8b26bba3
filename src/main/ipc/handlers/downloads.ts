import type { Area, HandlerContext } from './context'

export const downloadsHandlers = (area: Area<'downloads'>, { core: { downloads } }: HandlerContext) => ({
  start: area.start.handler(({ input }) => downloads.start(input)),
  startAddress: area.startAddress.handler(({ input }) => downloads.startAddress(input.address)),
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
