import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What any Electron program needs at least: a sandboxed window with one line of text and a place to type. */
const main = `import { app, BrowserWindow } from 'electron'
import { join } from 'node:path'
if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox()
app.setPath('userData', join(import.meta.dirname, 'chromium'))
void app.whenReady().then(() => {
  const window = new BrowserWindow({ width: 1280, height: 820, show: false, webPreferences: { sandbox: true, contextIsolation: true } })
  window.once('ready-to-show', () => window.show())
  void window.loadFile(join(import.meta.dirname, 'index.html'))
})
app.on('window-all-closed', () => app.quit())
`
const page = `<!doctype html><meta charset="utf-8"><title>Blank</title>
<textarea autofocus></textarea>
<script>performance.mark('composer-usable')</script>
`

/** Writes the blank program and gives the folder that Electron starts. */
export function blankWindow(folder: string): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'blank', version: '1.0.0', type: 'module', main: 'main.js' }))
  writeFileSync(join(folder, 'main.js'), main)
  writeFileSync(join(folder, 'index.html'), page)
  return folder
}
