import { join } from 'node:path'
import { type BrowserWindow, app, clipboard, dialog, nativeTheme, powerMonitor, session, shell } from 'electron'
import { type ErrorCode, SnugError } from '@shared/errors'
import { languageOf, messages } from '@shared/i18n'
import type { AppCommand, AppInfo } from '@shared/ipc/app'
import { registerScheme, servePage } from './app/assets'
import { createCommands } from './app/commands'
import { createDialogs } from './app/dialogs'
import { showDownloads } from './app/downloadPresence'
import { electronPresence } from './app/electronPresence'
import { electronSecrets } from './app/electronSecrets'
import { setMenu } from './app/menu'
import { closeChromiumNetwork, lockContents, lockSession, refusedSwitch } from './app/security'
import { backgroundColor, createWindow } from './app/window'
import { type Core, createCore } from './core'
import { forkUtility } from './engine/forkUtility'
import { openDoors } from './ipc/connectPort'
import { DroppedFiles } from './ipc/dropped'
import type { HandlerContext } from './ipc/handlers/context'
import { createRouter } from './ipc/router'
import { createFileLog } from './platform/fileLog'
import { snugPaths } from './platform/paths'
import { recordedHardware } from './platform/recordedHardware'
import { whyUnusable } from './platform/usableFolder'

const here = import.meta.dirname
const dataFlag = app.commandLine.getSwitchValue('data')
const paths = snugPaths({ env: process.env, platform: process.platform, dataDir: dataFlag === '' ? undefined : dataFlag })
const log = createFileLog(join(paths.dataDir, 'logs'))

process.on('uncaughtException', (error) => log.error('uncaught exception', error))
process.on('unhandledRejection', (reason) => log.error('unhandled rejection', reason))

const refused = refusedSwitch()
if (refused !== null) {
  process.stderr.write(`Snug does not start with --${refused}\n`)
  app.exit(2)
}

// Chromium's profile lies apart from the chats; the lock below is per profile, thus per data folder.
app.setPath('userData', join(paths.dataDir, 'chromium'))
// A lock that cannot be written would look like a second start, which ends without a word.
const unusable = whyUnusable(app.getPath('userData'))
if (unusable === null && !app.requestSingleInstanceLock()) app.exit(0)

// As root only --no-sandbox works, and enableSandbox() would take it away again; the app never adds the switch itself.
if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox()
closeChromiumNetwork()
registerScheme()
app.on('web-contents-created', (_event, contents) => lockContents(contents))

let core: Core | null = null
let window: BrowserWindow | null = null
const commands = createCommands()

function showWindow(): void {
  if (window !== null && !window.isDestroyed()) {
    if (window.isMinimized()) window.restore()
    // It may be hidden with the whole app.
    window.show()
    window.focus()
    return
  }
  window = createWindow({ dataDir: paths.dataDir, preload: join(here, '../preload/index.cjs'), log: log.child('window') })
}

function language() {
  return core?.settings.get().language ?? languageOf(app.getLocale())
}

function info(): AppInfo {
  return {
    version: app.getVersion(),
    electron: process.versions.electron ?? '',
    fallbackRuntime: Number(process.versions.electron?.split('.')[0]) < 40,
    platform: process.platform,
    dataDir: paths.dataDir,
    cacheDir: paths.cacheDir,
    language: language(),
    languageIsSystem: core?.settings.get().language == null,
    notice: core?.notice ?? null,
  }
}

/** Without a data folder there is nothing to show: it is said, and the app ends. */
function refuseData(code: ErrorCode): void {
  const { errors, menu } = messages(languageOf(app.getLocale()))
  const { title, action } = errors[code]
  process.stderr.write(`${menu.dataFailedTitle}: ${title} (${paths.dataDir})\n`)
  // Its page has nobody to speak to.
  window?.removeAllListeners('ready-to-show')
  dialog.showErrorBox(menu.dataFailedTitle, `${title}. ${action}\n\n${paths.dataDir}`)
  app.exit(1)
}

async function start(): Promise<void> {
  await app.whenReady()
  if (unusable !== null) return refuseData(unusable)
  lockSession()
  if (!process.env.ELECTRON_RENDERER_URL) servePage(join(here, '../renderer'))
  // Its process starts while the core is made; what the page asks for waits until the doors are open.
  showWindow()
  const words = () => messages(language())
  try {
    core = createCore({
      paths,
      fork: forkUtility(join(here, 'engine.js')),
      downloadWorker: join(here, 'downloadWorker.js'),
      log,
      trash: (path) => shell.trashItem(path),
      secrets: electronSecrets,
      recorded: recordedHardware(process.env, app.isPackaged),
      // Reads what Windows, macOS or the desktop are set to.
      systemProxy: (origin) => session.defaultSession.resolveProxy(origin),
    })
  } catch (error) {
    log.error('the core could not start', error)
    return refuseData(error instanceof SnugError ? error.code : 'internal/bug')
  }
  const running = core
  const dialogs = createDialogs({ window: () => window, words })
  const dropped = new DroppedFiles()
  const context: HandlerContext = {
    core: running,
    dropped,
    commands,
    dialogs,
    info,
    words,
    copyText: (text) => void clipboard.writeText(text),
    showLogs: () => void shell.openPath(join(paths.dataDir, 'logs')),
    showInFolder: (path) => shell.showItemInFolder(path),
  }
  openDoors(createRouter(context, log), (ticket, files) => dropped.put(ticket, files), log.child('ipc'))

  const applySettings = () => {
    nativeTheme.themeSource = running.settings.get().theme
    window?.setBackgroundColor(backgroundColor())
    setMenu(words(), {
      command: (command: AppCommand) => {
        showWindow()
        commands.send(command)
      },
      showLogs: () => void shell.openPath(join(paths.dataDir, 'logs')),
      showData: () => void shell.openPath(paths.dataDir),
    })
  }
  applySettings()
  powerMonitor.on('resume', () => running.downloads.wokeUp())
  void (async () => {
    for await (const _settings of running.settings.follow()) applySettings()
  })()
  showDownloads(
    running.downloads.follow(),
    electronPresence(() => window, showWindow),
    () => words().menu.presence,
  ).catch((error: unknown) => log.error('downloads are not shown to the system any more', error))
}

app.on('second-instance', () => showWindow())
app.on('activate', () => {
  if (core !== null) showWindow()
})
// Who comes back from the file manager sees what was done there.
app.on('browser-window-focus', () => void core?.library.scan())
app.on('child-process-gone', (_event, details) => log.warn(`a child process ended: ${details.type} ${details.reason} ${details.exitCode}`))
app.on('window-all-closed', () => {
  if (process.platform !== 'darwin') app.quit()
})

// Quitting waits until replies are saved and the engines are gone; a second request does not wait.
let ending = false
app.on('before-quit', (event) => {
  if (core === null || ending) return
  ending = true
  event.preventDefault()
  const timer = setTimeout(() => app.exit(0), 4_000)
  void core
    .dispose()
    .catch((error: unknown) => log.error('ending', error))
    .finally(() => {
      clearTimeout(timer)
      app.quit()
    })
})

void start()
