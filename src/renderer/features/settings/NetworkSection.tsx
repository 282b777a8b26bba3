import type { Settings } from '@shared/domain/settings'
import { useQuery } from '@tanstack/react-query'
import { RefreshCw } from 'lucide-react'
import { useEffect, useState } from 'react'
import { client } from '../../lib/client'
import { timeOfDay } from '../../lib/format'
import { useLanguage, useMessages } from '../../lib/i18n'
import { Button, ErrorNotice, IconButton, Switch } from '../../ui'
import { Row, Section } from './Field'

function isAddress(text: string): boolean {
  try {
    return /^https?:$/.test(new URL(text).protocol)
  } catch {
    // Not an address at all.
    return false
  }
}

export function NetworkSection({ settings, save }: { settings: Settings; save: (patch: Partial<Settings>) => void }) {
  const { settings: words } = useMessages()
  return (
    <Section title={words.network}>
      <Row label={words.offline} hint={words.offlineHint}>
        <Switch checked={settings.offline} onChange={(offline) => save({ offline })}>
          <span className="vh">{words.offline}</span>
        </Switch>
      </Row>
      <Endpoint value={settings.endpoint} onSave={(endpoint) => save({ endpoint })} />
      <NetworkLog />
    </Section>
  )
}

function Endpoint({ value, onSave }: { value: string | null; onSave: (value: string | null) => void }) {
  const { settings: words } = useMessages()
  const [text, setText] = useState(value ?? '')
  useEffect(() => setText(value ?? ''), [value])
  const trimmed = text.trim()
  const valid = trimmed === '' || isAddress(trimmed)
  const status = useQuery({ queryKey: ['settings.hubStatus', value], queryFn: () => client.discover.hubStatus(), enabled: false })
  const save = () => {
    if (valid && trimmed !== (value ?? '')) onSave(trimmed === '' ? null : trimmed)
  }
  return (
    <Row label={words.endpoint} hint={words.endpointHint}>
      <div className="col set-wide">
        <span className="row">
          <input
            className="field grow"
            type="url"
            aria-label={words.endpoint}
            aria-invalid={!valid}
            placeholder={words.endpointPlaceholder}
            value={text}
            onChange={(event) => setText(event.target.value)}
            onBlur={save}
            onKeyDown={(event) => event.key === 'Enter' && save()}
          />
          <Button disabled={!valid || status.isFetching} onClick={() => void status.refetch()}>
            {words.hubTest}
          </Button>
        </span>
        {!valid && <span className="bad f12">{words.endpointBad}</span>}
        {status.data !== undefined && !status.isFetching && (
          <span className={status.data.reachable ? 'good f12' : 'bad f12'} role="status">
            {status.data.endpoint}: {status.data.reachable ? words.hubAnswers : words.hubSilent}
          </span>
        )}
        {status.error !== null && <ErrorNotice error={status.error} />}
      </div>
    </Row>
  )
}

/** Everything that left this machine, newest first. */
function NetworkLog() {
  const { settings: words, common } = useMessages()
  const language = useLanguage()
  const query = useQuery({ queryKey: ['app.networkLog'], queryFn: () => client.app.networkLog(), staleTime: 0 })
  const entries = [...(query.data ?? [])].sort((a, b) => b.at - a.at)
  return (
    <div className="set-log">
      <div className="row">
        <div className="col grow">
          <span>{words.log}</span>
          <span className="t3 f12">{words.logHint}</span>
        </div>
        <IconButton label={common.retry} onClick={() => void query.refetch()}>
          <RefreshCw className="i s" aria-hidden="true" />
        </IconButton>
      </div>
      {query.data !== undefined && entries.length === 0 && <p className="t3 f12">{words.logNone}</p>}
      {entries.length > 0 && (
        <div className="log-scroll">
          <table className="grid-table" aria-label={words.log}>
            <thead>
              <tr>
                <th>{words.logColumn.time}</th>
                <th>{words.logColumn.address}</th>
                <th>{words.logColumn.purpose}</th>
                <th>{words.logColumn.outcome}</th>
              </tr>
            </thead>
            <tbody>
              {entries.map((entry, place) => (
                <tr key={`${entry.at}-${place}`}>
                  <td className="nw">{timeOfDay(entry.at, language)}</td>
                  <td className="sel break">
                    {entry.method} {entry.address}
                  </td>
                  <td>{entry.purpose}</td>
                  <td>{entry.outcome}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  )
}
