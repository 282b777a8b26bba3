/** What says nothing of its scheme inside this machine has no certificate. */
const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:|\/|$)/i

/** The base address of a hub as people write it (`hf-mirror.com` means https), without what follows the path; null: none of the web. */
export function hubAddress(text: string): string | null {
  const trimmed = text.trim()
  // A browser writes them as %20, into a host's name, too; Node refuses them.
  if (/\s/.test(trimmed)) return null
  const address = trimmed.includes('://') ? trimmed : `${loopback.test(trimmed) ? 'http' : 'https'}://${trimmed}`
  const url = URL.canParse(address) ? new URL(address) : null
  if (url === null || !/^https?:$/.test(url.protocol)) return null
  url.search = ''
  url.hash = ''
  return url.href.replace(/\/+$/, '')
}

/** null: none of the web; of `file:` and the like the origin would be the word "null". */
export function originIn(address: string): string | null {
  const url = URL.canParse(address) ? new URL(address) : null
  return url !== null && /^https?:$/.test(url.protocol) ? url.origin : null
}
