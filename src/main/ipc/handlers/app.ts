import type { Area, HandlerContext } from './context'

export const appHandlers = (area: Area<'app'>, { core, commands, dialogs, ...app }: HandlerContext) => ({
  info: area.info.handler(() => app.info()),
  settings: area.settings.handler(() => core.settings.get()),
  setSettings: area.setSettings.handler(({ input }) => core.settings.set(input)),
  followSettings: area.followSettings.handler(({ signal }) => core.settings.follow(signal)),
  commands: area.commands.handler(({ signal }) => commands.follow(signal)),
  openLink: area.openLink.handler(async ({ input }) => ({ opened: await dialogs.openLink(input.url) })),
  showLogs: area.showLogs.handler(() => {
    app.showLogs()
    return null
  }),
  networkLog: area.networkLog.handler(() => core.network.entries()),
  tokens: area.tokens.handler(() => core.tokens.list()),
  setToken: area.setToken.handler(({ input }) => core.tokens.set(input.origin, input.token)),
  removeToken: area.removeToken.handler(({ input }) => core.tokens.remove(input.origin)),
  copyText: area.copyText.handler(({ input }) => {
    app.copyText(input.text)
    return null
  }),
})
