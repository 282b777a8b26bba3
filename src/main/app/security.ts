import type { Session, WebContents } from 'electron'
import { app, session } from 'electron'

/** Where the page is served from. Node's `new URL('snug://app/x').origin` is 'null', so protocol and host are compared. */
export const pageOrigin = 'snug://app'

/** The page may draw and compute, nothing else: no socket, no frame, no code from text (facts: reliability.md §4). */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "media-src 'none'",
  "object-src 'none'",
  "frame-src 'none'",
  "worker-src 'self'",
  "manifest-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/** `npm run dev` serves the page over http from loopback; a packaged app never does. */
export function devServer(): string | null {
  const address = process.env.ELECTRON_RENDERER_URL
  return !app.isPackaged && address ? new URL(address).origin : null
}

export function isOurPage(address: string): boolean {
  let url: URL
  try {
    url = new URL(address)
  } catch {
    // Not an address at all, so not our page.
    return false
  }
  // One page: any other address of ours would leave the window with "not found".
  const atHome = url.pathname === '/' || url.pathname === '/index.html'
  return (url.protocol === 'snug:' && url.host === 'app' && atHome) || (devServer() !== null && url.origin === devServer())
}

/**
 * Chromium itself resolves no host, and so connects to none: WebRTC through a TURN server over TCP is stopped neither by the content
 * security policy nor by `webRequest` (seen). Main's own requests go through Node. Must run before the app is ready.
 */
export function closeChromiumNetwork(): void {
  const dev = devServer()
  const exclude = dev === null ? '' : `, EXCLUDE ${new URL(dev).hostname}`
  app.commandLine.appendSwitch('host-resolver-rules', `MAP * ~NOTFOUND${exclude}`)
}

/** Refuses everything that a page could ask of the session. */
export function lockSession(target: Session = session.defaultSession): void {
  target.setPermissionRequestHandler((_contents, _permission, answer) => answer(false))
  target.setPermissionCheckHandler(() => false)
  target.setDevicePermissionHandler(() => false)
  target.setDisplayMediaRequestHandler((_request, answer) => answer({}))
  target.on('will-download', (event) => event.preventDefault())
  const dev = devServer()
  target.webRequest.onBeforeRequest((details, answer) => {
    const { protocol, origin } = new URL(details.url)
    const local = protocol === 'snug:' || protocol === 'blob:' || protocol === 'data:' || protocol === 'devtools:'
    const fromDevServer = dev !== null && origin.replace(/^ws/, 'http') === dev
    answer({ cancel: !local && !fromDevServer })
  })
}

/** Every web content of the app, whoever makes it: no navigation, no new window, no webview. */
export function lockContents(contents: WebContents): void {
  const stay = (event: { preventDefault(): void }, address: string) => {
    if (!isOurPage(address)) event.preventDefault()
  }
  contents.on('will-navigate', (event) => stay(event, event.url))
  contents.on('will-frame-navigate', (event) => stay(event, event.url))
  contents.on('will-redirect', (event) => stay(event, event.url))
  contents.on('will-attach-webview', (event) => event.preventDefault())
  contents.setWindowOpenHandler(() => ({ action: 'deny' }))
  contents.setWebRTCIPHandlingPolicy('disable_non_proxied_udp')
}

/** Switches that would open the app to others; a package refuses to start with them, since no fuse covers them. */
export function refusedSwitch(): string | null {
  if (!app.isPackaged) return null
  return (
    ['remote-debugging-port', 'remote-debugging-pipe', 'js-flags', 'load-extension', 'no-sandbox'].find((name) =>
      app.commandLine.hasSwitch(name),
    ) ?? null
  )
}
