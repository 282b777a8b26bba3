import { type BrowserWindow, type MessageBoxOptions, type OpenDialogOptions, dialog, shell } from 'electron'
import { SnugError } from '@shared/errors'
import type { Messages } from '@shared/i18n'

/** Everything that asks the person through the system's own windows. */
export interface Dialogs {
  chooseFiles(): Promise<string[]>
  chooseFolder(purpose: 'watch' | 'downloads' | 'move'): Promise<string | null>
  confirmTrash(plan: { name: string; paths: string[]; sizeBytes: number; stays: string[] }, size: string): Promise<boolean>
  /** The one way to a browser: http and https, no credentials, the full address shown first. */
  openLink(address: string): Promise<boolean>
}

export function checkedLink(address: string): URL {
  let url: URL
  try {
    url = new URL(address)
  } catch (cause) {
    throw new SnugError('usage/invalid', 'not an address', {}, { cause })
  }
  if ((url.protocol !== 'https:' && url.protocol !== 'http:') || url.username !== '' || url.password !== '' || address.length > 2_048)
    throw new SnugError('usage/invalid', 'only plain http and https addresses are opened')
  return url
}

export function createDialogs({ window, words }: { window: () => BrowserWindow | null; words: () => Messages }): Dialogs {
  const ask = async (options: MessageBoxOptions) => {
    const parent = window()
    const { response } = await (parent ? dialog.showMessageBox(parent, options) : dialog.showMessageBox(options))
    return response === 0
  }
  const choose = async (options: OpenDialogOptions) => {
    const parent = window()
    const { canceled, filePaths } = await (parent ? dialog.showOpenDialog(parent, options) : dialog.showOpenDialog(options))
    return canceled ? [] : filePaths
  }
  return {
    chooseFiles: () =>
      choose({
        title: words().menu.chooseFiles,
        properties: ['openFile', 'multiSelections'],
        filters: [{ name: words().menu.ggufFiles, extensions: ['gguf'] }],
      }),
    async chooseFolder(purpose) {
      const { chooseFolder: watch, chooseModelsFolder: downloads, chooseMoveFolder: move } = words().menu
      const title = { watch, downloads, move }[purpose]
      return (await choose({ title, properties: ['openDirectory', 'createDirectory'] }))[0] ?? null
    },
    confirmTrash: ({ name, paths, sizeBytes, stays }, size) =>
      ask({
        type: 'question',
        message: words().menu.trashTitle({ name }),
        detail: [
          ...paths,
          '',
          sizeBytes > 0 ? words().menu.trashFrees({ size }) : words().menu.trashFreesNothing,
          ...stays.map((path) => words().menu.trashStays({ path })),
        ].join('\n'),
        buttons: [words().menu.trashMove, words().common.cancel],
        defaultId: 1,
        cancelId: 1,
      }),
    async openLink(address) {
      const url = checkedLink(address)
      const yes = await ask({
        type: 'question',
        message: words().menu.openLinkTitle,
        detail: url.href,
        buttons: [words().menu.openLinkOpen, words().menu.openLinkCancel],
        defaultId: 1,
        cancelId: 1,
      })
      if (yes) await shell.openExternal(url.href)
      return yes
    },
  }
}
