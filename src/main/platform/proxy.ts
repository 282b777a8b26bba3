/** Proxies as the usual variables name them; addresses are kept as text so that a rule can cross to a worker. */
export interface ProxyRule {
  http: string | null
  https: string | null
  /** Host suffixes that are reached directly; `*` is all. */
  except: string[]
}

export function proxyRuleFromEnv(env: NodeJS.ProcessEnv): ProxyRule | null {
  const all = env.ALL_PROXY ?? env.all_proxy
  const https = usable(env.HTTPS_PROXY ?? env.https_proxy ?? all)
  // HTTP_PROXY in capitals can be set by a request header under CGI; curl reads only the small form, and so do we.
  const http = usable(env.http_proxy ?? all)
  if (https === null && http === null) return null
  const except = (env.NO_PROXY ?? env.no_proxy ?? '').split(',').map((part) =>
    part
      .trim()
      .toLowerCase()
      .replace(/^\*?\./, ''),
  )
  return { http, https, except: except.filter((part) => part !== '') }
}

export function proxyFor(rule: ProxyRule | null, url: URL): URL | null {
  if (rule === null) return null
  const address = url.protocol === 'https:' ? rule.https : rule.http
  if (address === null) return null
  const host = url.hostname.toLowerCase()
  const direct = rule.except.some((part) => part === '*' || host === part.replace(/:\d+$/, '') || host.endsWith(`.${part}`))
  return direct ? null : new URL(address)
}

/** Only plain HTTP proxies; a SOCKS address counts as none. */
function usable(value: string | undefined): string | null {
  if (value === undefined || value === '') return null
  const address = value.includes('://') ? value : `http://${value}`
  return URL.canParse(address) && new URL(address).protocol === 'http:' ? address : null
}
