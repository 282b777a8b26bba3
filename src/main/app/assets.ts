import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { protocol } from 'electron'
import { contentSecurityPolicy } from './security'

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
  '.ttf': 'font/ttf',
  '.json': 'application/json',
}

/** Must run before the app is ready. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: 'snug', privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
  ])
}

/** The built page as a fixed map from address to file: what is not in it does not exist, so no path can leave the folder. */
export function pageFiles(folder: string): Map<string, string> {
  const files = new Map<string, string>()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    files.set(`/${path.slice(folder.length + 1).replaceAll('\\', '/')}`, path)
  }
  return files
}

export function servePage(folder: string): void {
  const files = pageFiles(folder)
  const headers = {
    'content-security-policy': contentSecurityPolicy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
  }
  protocol.handle('snug', async (request) => {
    const url = new URL(request.url)
    const path = url.host === 'app' && request.method === 'GET' ? files.get(url.pathname === '/' ? '/index.html' : url.pathname) : undefined
    if (path === undefined) return new Response('not found', { status: 404, headers })
    return new Response(new Uint8Array(await readFile(path)), {
      headers: { ...headers, 'content-type': types[extname(path)] ?? 'application/octet-stream' },
    })
  })
}
