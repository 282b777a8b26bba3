import { hubAddress } from '@shared/domain/endpoint'
import { huggingFace } from '@shared/domain/settings'
import { modelScope } from '@shared/domain/source'

/** The cookie by which ModelScope knows a token (modelscope 1.30.0, `hub/api.py`). */
export const modelScopeCookie = 'm_session_id'

/**
 * The address that the settings name, else `HF_ENDPOINT`, else Hugging Face. What is no address stays as it was written: another hub than
 * the one that was meant is never asked, and whoever asks says so.
 */
export function hubEndpoint(setting: string | null, env: NodeJS.ProcessEnv): string {
  return addressOr(setting ?? env.HF_ENDPOINT, huggingFace)
}

/** `MODELSCOPE_DOMAIN` is a host in ModelScope's own client; an address with its scheme is taken as well. */
export function modelScopeEndpoint(env: NodeJS.ProcessEnv): string {
  return addressOr(env.MODELSCOPE_DOMAIN, modelScope)
}

function addressOr(text: string | undefined, otherwise: string): string {
  const trimmed = text?.trim() ?? ''
  return trimmed === '' ? otherwise : (hubAddress(trimmed) ?? trimmed)
}
