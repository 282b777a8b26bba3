import { SnugError } from '@shared/errors'

export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase()
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** Addresses that only mean something inside this network: an answer from the internet must not lead there. */
function isPrivate(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase()
  return (
    isLoopback(host) ||
    /^(0|10)\./.test(host) ||
    /^(192\.168|169\.254)\./.test(host) ||
    /^172\.(1[6-9]|2\d|3[01])\./.test(host) ||
    /^(fe[89ab]|f[cd])[0-9a-f]*:/.test(host) ||
    host.startsWith('::ffff:') ||
    host === '::'
  )
}

/** Where a redirect leads, or why it is not followed. */
export function nextAddress(from: URL, location: string): URL {
  const bad = (reason: string) =>
    new SnugError('hub/bad-answer', `redirect refused: ${reason}`, { host: from.host, reason, redirect: true })
  if (!URL.canParse(location, from.href)) throw bad('not an address')
  const to = new URL(location, from)
  if (to.protocol !== 'https:' && to.protocol !== 'http:') throw bad('not http')
  if (from.protocol === 'https:' && to.protocol === 'http:') throw bad('from https to http')
  if (to.username !== '' || to.password !== '') throw bad('carries credentials')
  if (isPrivate(to.hostname) && !isPrivate(from.hostname)) throw bad('from the internet into this network')
  return to
}
