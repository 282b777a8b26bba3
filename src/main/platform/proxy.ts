import { SnugError } from '@shared/errors'

/** Proxies as the usual variables name them; addresses are kept as text so that a rule can cross to a worker. */
export interface ProxyRule {
  http: string | null
  https: string | null
  /** Host suffixes that are reached directly; `*` is all. */
  except: string[]
}

/** null where the environment says nothing at all. */
export function proxyRuleFromEnv(env: NodeJS.ProcessEnv): ProxyRule | null {
  const all = env.ALL_PROXY || env.all_proxy
  const https = addressOf(env.HTTPS_PROXY || env.https_proxy || all)
  // HTTP_PROXY in capitals can be set by a request header under CGI; curl reads only the small form, and so do we.
  const http = addressOf(env.http_proxy || all)
  const except = (env.NO_PROXY || env.no_proxy || '')
    .split(',')
    .map((part) =>
      part
        .trim()
        .toLowerCase()
        .replace(/^\*?\./, ''),
    )
    .filter((part) => part !== '')
  return https === null && http === null && except.length === 0 ? null : { http, https, except }
}

/** null: straight there. undefined: the environment does not say, and the system may. */
export function proxyFor(rule: ProxyRule | null, url: URL): URL | null | undefined {
  if (rule === null) return undefined
  const host = url.hostname.toLowerCase()
  if (rule.except.some((part) => part === '*' || host === part.replace(/:\d+$/, '') || host.endsWith(`.${part}`))) return null
  if (rule.http === null && rule.https === null) return undefined
  const address = url.protocol === 'https:' ? rule.https : rule.http
  return address === null ? null : usable(new URL(address))
}

/** As PAC scripts and Chromium name them. A bare `SOCKS` is version 4 there. */
const schemes: Record<string, string> = { PROXY: 'http', HTTP: 'http', HTTPS: 'https', SOCKS5: 'socks5', SOCKS: 'socks4', SOCKS4: 'socks4' }

/** Of what the system offers (`PROXY host:port; SOCKS5 host:port; DIRECT`) the first that can be used; null: straight there. */
export function proxyFromSystem(answer: string): URL | null {
  let refused: SnugError | null = null
  for (const offer of answer.split(';').map((part) => part.trim())) {
    if (/^DIRECT$/i.test(offer)) return null
    const [, kind = '', place = ''] = /^(\w+)\s+(\S+)$/.exec(offer) ?? []
    const scheme = schemes[kind.toUpperCase()] ?? kind.toLowerCase()
    if (scheme === '' || !URL.canParse(`${scheme}://${place}`)) continue
    try {
      return usable(new URL(`${scheme}://${place}`))
    } catch (error) {
      if (!(error instanceof SnugError)) throw error
      refused ??= error
    }
  }
  if (refused !== null) throw refused
  return null
}

/** Without user and password. */
export function nameOf(proxy: URL): string {
  return `${proxy.protocol}//${proxy.host}`
}

function usable(proxy: URL): URL {
  if (/^(https?|socks5h?|socks):$/.test(proxy.protocol)) return proxy
  throw new SnugError('network/proxy-kind', `${nameOf(proxy)} is neither an HTTP, an HTTPS nor a SOCKS5 proxy`, { proxy: nameOf(proxy) })
}

function addressOf(value: string | undefined): string | null {
  if (value === undefined || value.trim() === '') return null
  const address = value.includes('://') ? value.trim() : `http://${value.trim()}`
  return URL.canParse(address) ? address : null
}
