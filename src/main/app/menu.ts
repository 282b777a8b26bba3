import type { AppCommand } from '@shared/ipc/app'
import type { Messages } from '@shared/i18n'
import { Menu, type MenuItemConstructorOptions } from 'electron'

export interface MenuActions {
  command(command: AppCommand): void
  showLogs(): void
  showData(): void
}

/** The native menu, rebuilt when the language changes. */
export function setMenu(words: Messages, actions: MenuActions): void {
  const m = words.menu
  const mac = process.platform === 'darwin'
  const item = (label: string, accelerator: string | undefined, command: AppCommand): MenuItemConstructorOptions => ({
    label,
    ...(accelerator ? { accelerator } : {}),
    click: () => actions.command(command),
  })
  const settings = item(m.settings, 'CmdOrCtrl+,', { command: 'open-settings' })
  const template: MenuItemConstructorOptions[] = [
    ...(mac
      ? [
          {
            role: 'appMenu' as const,
            submenu: [
              { role: 'about' as const },
              { type: 'separator' as const },
              settings,
              { type: 'separator' as const },
              { role: 'hide' as const },
              { role: 'hideOthers' as const },
              { role: 'unhide' as const },
              { type: 'separator' as const },
              { role: 'quit' as const },
            ],
          },
        ]
      : []),
    {
      label: m.file,
      submenu: [
        item(m.newChat, 'CmdOrCtrl+N', { command: 'new-chat' }),
        item(m.chooseModel, 'CmdOrCtrl+M', { command: 'choose-model' }),
        { type: 'separator' },
        ...(mac ? [] : [settings, { type: 'separator' as const }]),
        { label: m.close, role: 'close' },
        ...(mac ? [] : [{ label: m.quit, role: 'quit' as const }]),
      ],
    },
    {
      label: m.edit,
      submenu: [
        { label: m.undo, role: 'undo' },
        { label: m.redo, role: 'redo' },
        { type: 'separator' },
        { label: m.cut, role: 'cut' },
        { label: m.copy, role: 'copy' },
        { label: m.paste, role: 'paste' },
        { label: m.selectAll, role: 'selectAll' },
      ],
    },
    {
      label: m.view,
      submenu: [
        item(m.chat, 'CmdOrCtrl+1', { command: 'open-page', page: 'chat' }),
        item(m.discover, 'CmdOrCtrl+2', { command: 'open-page', page: 'discover' }),
        item(m.library, 'CmdOrCtrl+3', { command: 'open-page', page: 'library' }),
        item(m.planner, 'CmdOrCtrl+4', { command: 'open-page', page: 'planner' }),
        item(m.machine, 'CmdOrCtrl+5', { command: 'open-page', page: 'machine' }),
        { type: 'separator' },
        item(m.sidebar, 'CmdOrCtrl+B', { command: 'toggle-sidebar' }),
        { label: m.zoomIn, role: 'zoomIn' },
        { label: m.zoomOut, role: 'zoomOut' },
        { label: m.zoomReset, role: 'resetZoom' },
        { label: m.fullScreen, role: 'togglefullscreen' },
      ],
    },
    ...(mac ? [{ role: 'windowMenu' as const }] : []),
    {
      label: m.help,
      role: 'help',
      submenu: [
        item(m.keys, 'CmdOrCtrl+/', { command: 'show-keys' }),
        { label: m.showLogs, click: () => actions.showLogs() },
        { label: m.showData, click: () => actions.showData() },
      ],
    },
  ]
  Menu.setApplicationMenu(Menu.buildFromTemplate(template))
}
