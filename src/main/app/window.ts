import { readFileSync } from 'node:fs'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BrowserWindow, type Rectangle, nativeTheme, screen } from 'electron'
import { z } from 'zod'
import type { Log } from '@shared/log'
import { devServer, isOurPage, pageOrigin } from './security'

const state = z.object({
  x: z.number().int(),
  y: z.number().int(),
  width: z.number().int().min(400),
  height: z.number().int().min(300),
  maximized: z.boolean(),
})
type WindowState = z.infer<typeof state>

function readState(path: string): WindowState | null {
  try {
    return state.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    // First start, or a damaged file: the default place.
    return null
  }
}

/** A window is restored only where a display still shows a good part of it. */
export function isVisible(bounds: Rectangle, displays: Rectangle[]): boolean {
  return displays.some((display) => {
    const width = Math.min(bounds.x + bounds.width, display.x + display.width) - Math.max(bounds.x, display.x)
    const height = Math.min(bounds.y + bounds.height, display.y + display.height) - Math.max(bounds.y, display.y)
    return width >= 200 && height >= 100
  })
}

export interface WindowOptions {
  /** Folder of the data; the window's place is kept in `window.json`. */
  dataDir: string
  preload: string
  log: Log
}

/** Behind the page until it has drawn itself. */
export function backgroundColor(): string {
  return nativeTheme.shouldUseDarkColors ? '#14181a' : '#ffffff'
}

/** The one window. Its page is sandboxed, has no Node and no network. */
export function createWindow({ dataDir, preload, log }: WindowOptions): BrowserWindow {
  const path = join(dataDir, 'window.json')
  const saved = readState(path)
  const place =
    saved !== null &&
    isVisible(
      saved,
      screen.getAllDisplays().map((display) => display.workArea),
    )
      ? saved
      : null
  const window = new BrowserWindow({
    width: place?.width ?? 1280,
    height: place?.height ?? 820,
    ...(place ? { x: place.x, y: place.y } : {}),
    minWidth: 720,
    minHeight: 480,
    show: false,
    title: 'Snug',
    backgroundColor: backgroundColor(),
    autoHideMenuBar: process.platform !== 'darwin',
    webPreferences: {
      preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      webviewTag: false,
      plugins: false,
      navigateOnDragDrop: false,
      // A spell checker fetches its dictionary: nothing leaves the machine unasked.
      spellcheck: false,
      disableDialogs: true,
    },
  })
  if (place?.maximized) window.maximize()
  window.once('ready-to-show', () => window.show())

  const save = () => {
    if (window.isDestroyed() || window.isMinimized() || window.isFullScreen()) return
    const text = JSON.stringify({ ...window.getNormalBounds(), maximized: window.isMaximized() })
    try {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(`${path}.part`, text)
      renameSync(`${path}.part`, path)
    } catch (error) {
      log.warn('the window place could not be saved', error)
    }
  }
  let timer: NodeJS.Timeout | undefined
  const later = () => {
    clearTimeout(timer)
    timer = setTimeout(save, 500)
  }
  window.on('resize', later)
  window.on('move', later)
  window.on('close', save)
  window.on('closed', () => clearTimeout(timer))

  window.webContents.on('render-process-gone', (_event, details) => {
    log.error(`the page ended: ${details.reason}`)
    if (details.reason !== 'clean-exit' && !window.isDestroyed()) setTimeout(() => window.isDestroyed() || window.webContents.reload(), 300)
  })
  window.on('unresponsive', () => log.warn('the page does not answer'))
  const home = () => void window.loadURL(devServer() ?? `${pageOrigin}/index.html`)
  // `about:blank` asks no one before it shows: back from there.
  window.webContents.on('did-navigate', (_event, address) => isOurPage(address) || home())
  home()
  return window
}
