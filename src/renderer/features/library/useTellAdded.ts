import type { AddedFiles } from '@shared/ipc/library'
import { isErrorCode } from '../../lib/errors'
import { useMessages } from '../../lib/i18n'
import { toast } from '../../ui'

export interface Added extends Partial<AddedFiles> {
  /** False: the person closed the dialog. */
  chosen?: boolean
}

/** What became of files and folders that a person gave, by dialog or by dropping them: never nothing. */
export function useTellAdded(): (result: Added) => void {
  const { library, errors } = useMessages()
  return ({ added = [], damaged = [], refused = [], chosen = true }) => {
    if (!chosen) return
    const whole = added.length - damaged.length
    if (whole > 0) toast(library.added({ count: whole }))
    else if (refused.length + damaged.length === 0) toast(library.nothingAdded)
    for (const name of damaged.slice(0, 2)) toast(library.addedDamaged({ name }))
    for (const { fileName, code } of refused.slice(0, 2))
      toast(library.refused({ name: fileName, reason: errors[isErrorCode(code) ? code : 'internal/bug'].title }))
  }
}
