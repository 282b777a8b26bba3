/**
 * What an ordinary Electron does by itself when it is given a folder: find the app in it and start it.
 * It is an ES module that awaits the app, because Electron holds `ready` back until such an entry is evaluated;
 * from a CommonJS stand-in the app would come too late for `app.enableSandbox()`.
 */
export const defaultApp = `import { app } from 'electron'
import { readFileSync, statSync } from 'node:fs'
import Module from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

Object.defineProperty(process, 'defaultApp', { value: true, enumerable: true })
const args = process.argv.slice(1)
let target
for (let i = 0; i < args.length; i += 1) {
  // Playwright: electron -r <loader> [--no-sandbox] --inspect=0 --remote-debugging-port=0 <app> <arguments>
  if (args[i] === '-r' || args[i] === '--require') Module._preloadModules([args[++i]])
  else if (target === undefined && !args[i].startsWith('-')) target = resolve(args[i])
}
if (target === undefined) {
  console.error('usage: electron <app folder>')
  process.exit(2)
}
let entry = target
if (statSync(target).isDirectory()) {
  const manifest = JSON.parse(readFileSync(join(target, 'package.json'), 'utf8'))
  app.setName(manifest.productName ?? manifest.name)
  if (manifest.version) app.setVersion(manifest.version)
  app.setAppPath(target)
  entry = join(target, manifest.main ?? 'index.js')
} else {
  app.setAppPath(dirname(target))
}
await import(pathToFileURL(entry).href).catch((error) => {
  console.error(error)
  process.exit(1)
})
`
