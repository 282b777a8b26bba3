import { isErrorCode } from '../../lib/errors'
import { useMessages } from '../../lib/i18n'
import { toast } from '../../ui'

export interface Added {
  added: readonly string[]
  refused?: readonly { fileName: string; code: string }[]
  /** False: the person closed the dialog. */
  chosen?: boolean
}

/** What became of files and folders that a person gave, by dialog or by dropping them: never nothing. */
export function useTellAdded(): (result: Added) => void {
  const { library, errors } = useMessages()
  return ({ added, refused = [], chosen = true }) => {
    if (!chosen) return
    if (added.length > 0) toast(library.added({ count: added.length }))
    else if (refused.length === 0) toast(library.nothingAdded)
    for (const { fileName, code } of refused.slice(0, 2))
      toast(library.refused({ name: fileName, reason: errors[isErrorCode(code) ? code : 'internal/bug'].title }))
  }
}
