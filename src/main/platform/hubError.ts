import { hubAddress } from '@shared/domain/endpoint'
import { hfMirror, huggingFace } from '@shared/domain/settings'
import { SnugError } from '@shared/errors'

const modelScopePath = /^\/api\/v1\/models\/([^/]+\/[^/]+)(?:\/|$)/

/** A base address that can be asked; what somebody wrote into a setting or a variable need not be one. */
export function usableBase(endpoint: string): string {
  if (hubAddress(endpoint) === null) throw new SnugError('hub/bad-address', `"${endpoint}" is no address of a hub`, { address: endpoint })
  return endpoint
}

/** What an answer of the hub itself means. A missing repository answers 401 (so that private ones stay unseen), gating says so in a header. */
export function hubError(response: { status: number; url: URL; headers: Record<string, string> }): SnugError {
  const { status, url, headers } = response
  const reason = headers['x-error-code'] ?? ''
  const data = { status, host: url.host, reason }
  // ModelScope has no word for it: whoever may not, may not yet.
  const gated = reason === 'GatedRepo' || (modelScopePath.test(url.pathname) && (status === 401 || status === 403))
  if (gated) return new SnugError('hub/gated', 'the repository asks for an agreement', { ...data, page: pageOf(url) })
  // Python's client knows it by this sentence as well (huggingface_hub, `utils/_http.py`, `hf_raise_for_status`).
  if (status === 401 && /invalid credentials/i.test(headers['x-error-message'] ?? ''))
    return new SnugError('hub/token-refused', 'the hub does not know the token', data)
  if (status === 401 || status === 403 || status === 404)
    return new SnugError('hub/not-found', `the hub answered ${status} ${reason}`, data)
  if (status === 429) return new SnugError('hub/rate-limited', 'the hub asks to wait', data)
  if (status >= 500 || status === 408) return new SnugError('hub/unreachable', `the hub answered ${status}`, data)
  return new SnugError('hub/bad-answer', `the hub answered ${status}`, data)
}

/** The page on which terms are accepted. */
export function pageOf(url: URL): string {
  const atModelScope = modelScopePath.exec(url.pathname)?.[1]
  if (atModelScope !== undefined) return `${url.origin}/models/${atModelScope}`
  // Mirrors have the files; accounts and terms are at the origin.
  const origin = url.origin === hfMirror ? huggingFace : url.origin
  const path = url.pathname
    .replace(/^\/api\/models/, '')
    .split('/')
    .slice(0, 3)
    .join('/')
  return `${origin}${path}`
}
