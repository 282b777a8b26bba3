import { errorWords } from '@shared/i18n/errorWords'
import { CircleAlert, Info, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { useLocation } from 'wouter'
import { client } from '../lib/client'
import { errorValueOf } from '../lib/errors'
import { useMessages } from '../lib/i18n'
import { Button } from './Button'

export function Note({ tone = 'plain', children }: { tone?: 'plain' | 'warn' | 'bad'; children: ReactNode }) {
  const Icon = tone === 'plain' ? Info : tone === 'warn' ? TriangleAlert : CircleAlert
  return (
    <div className={tone === 'plain' ? 'note' : `note ${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      <Icon className="i s" aria-hidden="true" />
      <div className="grow">{children}</div>
    </div>
  )
}

/** What happened and what to do next, for places that have no room for a notice. */
export function useErrorWords(error: unknown): { title: string; action: string } {
  const { code, data = {} } = errorValueOf(error)
  return errorWords(code, data, useMessages())
}

/** What happened and what to do next, by its code; `children` are ways out that work here. */
export function ErrorNotice({
  error,
  words: special,
  children,
}: {
  error: unknown
  /** Where the words of the code would speak of something else. */
  words?: { title: string; action: string } | undefined
  children?: ReactNode
}) {
  const { common } = useMessages()
  const own = useErrorWords(error)
  const value = errorValueOf(error)
  if (value.code === 'cancelled') return null
  const words = special ?? own
  const gate = value.code === 'hub/gated' || value.code === 'hub/token-refused'
  // A token was sent, and its account may not (yet).
  const action = value.code === 'hub/gated' && value.data?.status === 403 ? common.gate.notAccepted : words.action
  return (
    <Note tone="bad">
      <span className="sel">
        <b className="m">{words.title}</b>
        {common.fullStop}
        {action}
        {value.code === 'template/failed' &&
          typeof value.data?.reason === 'string' &&
          ` ${common.templateSays({ reason: value.data.reason })}`}
        {typeof value.data?.proxy === 'string' && ` ${common.proxyUsed({ proxy: value.data.proxy })}`}
      </span>
      {(gate || children !== undefined) && (
        <div className="row wrap note-acts">
          {gate && <Gate page={value.data?.page} />}
          {children}
        </div>
      )}
    </Note>
  )
}

/** Where the terms are accepted, and where the token goes. */
function Gate({ page }: { page: unknown }) {
  const { common } = useMessages()
  const [, go] = useLocation()
  return (
    <>
      {typeof page === 'string' && (
        <Button size="s" title={page} onClick={() => void client.app.openLink({ url: page })}>
          {common.gate.page}
        </Button>
      )}
      <Button size="s" onClick={() => go('/settings/tokens')}>
        {common.gate.tokens}
      </Button>
    </>
  )
}
