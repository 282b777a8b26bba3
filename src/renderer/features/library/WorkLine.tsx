import type { LibraryWork } from '@shared/domain/library'
import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { client } from '../../lib/client'
import { percent, size } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { ErrorNotice, IconButton } from '../../ui'

/** Work on whole files: how far it is, and what came of it. */
export function WorkLine({ work, result }: { work: LibraryWork; result?: ReactNode }) {
  const { library } = useMessages()
  const words = library.care
  const ended = work.state === 'done' || work.state === 'failed'
  const fraction = work.totalBytes === 0 ? 0 : work.doneBytes / work.totalBytes
  const text =
    work.state === 'waiting'
      ? words.waiting
      : work.state === 'running'
        ? words.working[work.kind]({ percent: percent(fraction) })
        : work.outcome === null
          ? ''
          : (result ?? words.outcome[work.outcome])
  return (
    <div className="work" data-testid="library-work" data-kind={work.kind} data-state={work.state} data-outcome={work.outcome ?? ''}>
      <div className="row">
        {work.state === 'failed' ? (
          <div className="grow">
            <ErrorNotice error={work.error ?? { code: 'internal/bug' }}>
              {work.error?.code === 'download/disk-full' && (
                <span>{words.needs({ size: size(Number(work.error.data.neededBytes)), path: String(work.error.data.path) })}</span>
              )}
              {work.kind === 'move' && <span className="t2">{words.failedUnchanged}</span>}
            </ErrorNotice>
          </div>
        ) : (
          <span className={work.outcome === 'wrong' ? 'grow f12 bad' : 'grow f12 t2'} role="status">
            {text}
          </span>
        )}
        <IconButton label={ended ? words.dismiss : words.cancel} onClick={() => void client.library.cancelWork({ id: work.id })}>
          <X className="i" aria-hidden="true" />
        </IconButton>
      </div>
      {work.state === 'running' && (
        <span className="work-bar" aria-hidden="true">
          <i style={{ width: `${(fraction * 100).toFixed(1)}%` }} />
        </span>
      )}
    </div>
  )
}
