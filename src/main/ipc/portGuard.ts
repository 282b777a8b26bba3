import type { MessagePortMain } from 'electron'

/** What oRPC's message-port adapter needs of a port. */
export interface GuardedPort {
  on(event: 'message' | 'close', listener: (event?: { data: unknown }) => void): void
  postMessage(data: unknown): void
}

const maxBytes = 16 * 1024 * 1024

/** oRPC turns a malformed message into an unhandled rejection in main; so only what looks like one of its messages gets through. */
export function isRpcMessage(data: unknown): boolean {
  if (typeof data !== 'string' || data.length > maxBytes) return false
  let message: unknown
  try {
    message = JSON.parse(data)
  } catch {
    // Not JSON, so nothing of ours.
    return false
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return false
  const { i, t, p } = message as { i?: unknown; t?: unknown; p?: unknown }
  if (typeof i !== 'string' || i.length > 64) return false
  if (t !== undefined && t !== 1 && t !== 3 && t !== 4) return false
  if (t === 4) return true
  if (t === 3) return typeof p === 'object' && p !== null
  if (typeof p !== 'object' || p === null) return false
  const { u, h } = p as { u?: unknown; h?: unknown }
  return typeof u === 'string' && u.startsWith('/') && isPlainHeaders(h)
}

/** Our page sends no form and no file; the headers that announce one make oRPC parse what is not there. */
function isPlainHeaders(headers: unknown): boolean {
  if (headers === undefined) return true
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return false
  return Object.entries(headers).every(([name, value]) => typeof value === 'string' && !name.toLowerCase().startsWith('content-'))
}

export function guardPort(port: MessagePortMain): GuardedPort {
  return {
    on(event, listener) {
      if (event === 'close') port.on('close', () => listener())
      else
        port.on('message', ({ data }) => {
          if (isRpcMessage(data)) listener({ data })
        })
    },
    postMessage: (data) => port.postMessage(data),
  }
}
