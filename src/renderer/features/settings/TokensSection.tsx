import type { Settings } from '@shared/domain/settings'
import type { HubToken, HubTokens } from '@shared/ipc/app'
import { useQuery } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { client } from '../../lib/client'
import { useMessages } from '../../lib/i18n'
import { queryClient } from '../../lib/queries'
import { Button, ErrorNotice, IconButton, Note } from '../../ui'
import { Row, Section } from './Field'

/** An access token for each hub. The page gives one away and never gets it back. */
export function TokensSection({ settings, asked }: { settings: Settings; asked: boolean }) {
  const { settings: words } = useMessages()
  const [error, setError] = useState<unknown>(null)
  const place = useRef<HTMLDivElement>(null)
  const queryKey = ['app.tokens', settings.endpoint, settings.endpointAutomatic]
  const query = useQuery({ queryKey, queryFn: () => client.app.tokens(), staleTime: 0 })
  const hubs = query.data?.hubs ?? []
  const there = hubs.length > 0
  useEffect(() => {
    if (!asked || !there) return
    place.current?.scrollIntoView({ block: 'center' })
    place.current?.querySelector('input')?.focus({ preventScroll: true })
  }, [asked, there])
  const run = async (work: Promise<HubTokens>) => {
    setError(null)
    try {
      queryClient.setQueryData(queryKey, await work)
      return true
    } catch (thrown) {
      setError(thrown)
      return false
    }
  }
  return (
    <div ref={place}>
      <Section title={words.tokens}>
        <div className="set-log">
          <span className="t3 f12">{words.tokensHint}</span>
          {query.data?.keeps === false && <Note>{words.tokensNotKept}</Note>}
          {error !== null && <ErrorNotice error={error} />}
        </div>
        {hubs.map((hub) => (
          <Token
            key={hub.origin}
            hub={hub}
            save={(token) => run(client.app.setToken({ origin: hub.origin, token }))}
            remove={() => void run(client.app.removeToken({ origin: hub.origin }))}
          />
        ))}
      </Section>
    </div>
  )
}

interface TokenProps {
  hub: HubToken
  save: (token: string) => Promise<boolean>
  remove: () => void
}

function Token({ hub, save, remove }: TokenProps) {
  const { settings: words } = useMessages()
  const [text, setText] = useState('')
  const { host, from, end } = hub
  const known = end !== null
  const hint =
    from === 'environment'
      ? words.tokenFromEnvironment({ variable: hub.variable ?? '' })
      : from === 'unreadable'
        ? words.tokenUnreadable
        : from === 'this-run'
          ? words.tokenThisRun
          : from === 'stored'
            ? words.tokenStored
            : hub.safe
              ? words.tokenHub[hub.hub]
              : words.tokenUnsafe
  const submit = async () => {
    if (await save(text)) setText('')
  }
  return (
    <div className="set-token" data-testid="hub-token" data-host={host} data-from={from ?? 'none'}>
      <Row label={host} hint={hint}>
        {known ? (
          <span className="row">
            <span className="mono sel" data-testid="token-end">
              {words.tokenEnd({ end })}
            </span>
            {from !== 'environment' && (
              <IconButton label={words.tokenRemove({ host })} onClick={remove}>
                <X className="i" aria-hidden="true" />
              </IconButton>
            )}
          </span>
        ) : hub.safe ? (
          <form
            className="row set-wide"
            onSubmit={(event) => {
              event.preventDefault()
              void submit()
            }}
          >
            <input
              className="field grow"
              type="password"
              autoComplete="off"
              spellCheck={false}
              aria-label={words.tokenFor({ host })}
              placeholder={words.tokenPlaceholder}
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
            <Button type="submit" disabled={text.trim() === ''}>
              {words.tokenSave}
            </Button>
            {from === 'unreadable' && (
              <IconButton label={words.tokenRemove({ host })} onClick={remove}>
                <X className="i" aria-hidden="true" />
              </IconButton>
            )}
          </form>
        ) : null}
      </Row>
    </div>
  )
}
