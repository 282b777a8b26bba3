import { modelScope } from '@shared/domain/source'

/** The cookie by which ModelScope knows a token (modelscope 1.30.0, `hub/api.py`). */
export const modelScopeCookie = 'm_session_id'

/** `MODELSCOPE_DOMAIN` is a host in ModelScope's own client; an address with its scheme is taken as well. */
export function modelScopeEndpoint(env: NodeJS.ProcessEnv): string {
  const domain = env.MODELSCOPE_DOMAIN?.trim().replace(/\/+$/, '')
  if (domain === undefined || domain === '') return modelScope
  return /^https?:\/\//.test(domain) ? domain : `https://${domain}`
}
