import { originIn } from '@shared/domain/endpoint'
import { hubEndpoint, modelScopeCookie, modelScopeEndpoint } from './environment'
import { type ProxyRule, proxyRuleFromEnv } from './proxy'

/** A token and the one origin (scheme, host, port) it was given for. */
export interface HostToken {
  origin: string
  token: string
  /** Also sent as this cookie: ModelScope's client does. */
  cookie?: string
}

export interface NetworkConfig {
  offline: boolean
  token: HostToken | null
  /** The first that fits an origin counts: what the environment says comes before what the person gave. */
  tokens?: HostToken[]
  proxy: ProxyRule | null
  /** A file of certificates (PEM) that are accepted as well. */
  certificates?: string | null
}

/** What the environment gives. */
export function networkConfigFromEnv(env: NodeJS.ProcessEnv, offline: boolean): NetworkConfig {
  return {
    offline,
    token: null,
    tokens: tokensFromEnv(env).map(({ variable: _variable, ...token }) => token),
    proxy: proxyRuleFromEnv(env),
    certificates: env.NODE_EXTRA_CA_CERTS?.trim() || null,
  }
}

/**
 * `HF_TOKEN` belongs to the host of `HF_ENDPOINT`, or to Hugging Face where that is unset; to no other, whatever the settings say, and to
 * none where that is no address.
 * `MODELSCOPE_API_TOKEN` is what ModelScope's own client takes, for its own host only.
 */
export function tokensFromEnv(env: NodeJS.ProcessEnv): (HostToken & { variable: string })[] {
  const hub = env.HF_TOKEN?.trim()
  const modelScope = env.MODELSCOPE_API_TOKEN?.trim()
  const hubOrigin = originIn(hubEndpoint(null, env))
  const modelScopeOrigin = originIn(modelScopeEndpoint(env))
  return [
    ...(hub && hubOrigin !== null ? [{ origin: hubOrigin, token: hub, variable: 'HF_TOKEN' }] : []),
    ...(modelScope && modelScopeOrigin !== null
      ? [{ origin: modelScopeOrigin, token: modelScope, cookie: modelScopeCookie, variable: 'MODELSCOPE_API_TOKEN' }]
      : []),
  ]
}
