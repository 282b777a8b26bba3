import { CircleAlert, Info, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { errorValueOf, isErrorCode } from '../lib/errors'
import { useMessages } from '../lib/i18n'

export function Note({ tone = 'plain', children }: { tone?: 'plain' | 'warn' | 'bad'; children: ReactNode }) {
  const Icon = tone === 'plain' ? Info : tone === 'warn' ? TriangleAlert : CircleAlert
  return (
    <div className={tone === 'plain' ? 'note' : `note ${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      <Icon className="i s" aria-hidden="true" />
      <div className="grow">{children}</div>
    </div>
  )
}

/** What happened and what to do next, by its code; `children` are ways out that work here. */
export function ErrorNotice({ error, children }: { error: unknown; children?: ReactNode }) {
  const { errors, common } = useMessages()
  const value = errorValueOf(error)
  if (value.code === 'cancelled') return null
  const words = errors[isErrorCode(value.code) ? value.code : 'internal/bug']
  return (
    <Note tone="bad">
      <span className="sel">
        <b className="m">{words.title}</b>
        {common.fullStop}
        {words.action}
      </span>
      {children !== undefined && <div className="row wrap note-acts">{children}</div>}
    </Note>
  )
}
