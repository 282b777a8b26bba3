import { hubAddress } from '@shared/domain/endpoint'
import { type Settings, hfMirror } from '@shared/domain/settings'
import type { NetworkEntry } from '@shared/ipc/app'
import { useQuery } from '@tanstack/react-query'
import { RefreshCw } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { client } from '../../lib/client'
import { timeOfDay } from '../../lib/format'
import { useLanguage, useMessages } from '../../lib/i18n'
import { Button, ErrorNotice, IconButton, Switch, useErrorWords } from '../../ui'
import { Row, Section } from './Field'

export function NetworkSection({ settings, save }: { settings: Settings; save: (patch: Partial<Settings>) => void }) {
  const { settings: words } = useMessages()
  return (
    <Section title={words.network}>
      <Row label={words.offline} hint={words.offlineHint}>
        <Switch checked={settings.offline} onChange={(offline) => save({ offline })}>
          <span className="vh">{words.offline}</span>
        </Switch>
      </Row>
      <Endpoint settings={settings} save={save} />
      <NetworkLog />
    </Section>
  )
}

type HubChoice = 'automatic' | 'default' | 'mirror' | 'custom'

function choiceOf({ endpoint, endpointAutomatic }: Settings): HubChoice {
  if (endpointAutomatic) return 'automatic'
  if (endpoint === null) return 'default'
  return endpoint.replace(/\/+$/, '') === hfMirror ? 'mirror' : 'custom'
}

function Endpoint({ settings, save: onSave }: { settings: Settings; save: (patch: Partial<Settings>) => void }) {
  const { settings: words, common } = useMessages()
  const value = settings.endpoint
  const field = useRef<HTMLInputElement>(null)
  const [text, setText] = useState(value ?? '')
  useEffect(() => setText(value ?? ''), [value])
  const trimmed = text.trim()
  const address = hubAddress(trimmed)
  const valid = trimmed === '' || address !== null
  const status = useQuery({
    queryKey: ['settings.hubStatus', value, settings.endpointAutomatic],
    queryFn: () => client.discover.hubStatus(),
    enabled: false,
  })
  const why = useErrorWords(status.data?.error)
  const save = () => {
    if (!valid) return
    setText(address ?? '')
    if (address !== value) onSave({ endpoint: address })
  }
  const choose = (choice: HubChoice) => {
    if (choice === 'automatic') onSave({ endpointAutomatic: true })
    else if (choice === 'custom') {
      onSave({ endpointAutomatic: false })
      field.current?.focus()
    } else onSave({ endpointAutomatic: false, endpoint: choice === 'mirror' ? hfMirror : null })
  }
  const names: Record<HubChoice, string> = {
    automatic: words.hubAutomatic,
    default: words.hubDefault,
    mirror: words.hubMirror,
    custom: words.hubCustom,
  }
  return (
    <>
      <Row label={words.hub} hint={words.hubHint}>
        <select
          className="select"
          aria-label={words.hub}
          value={choiceOf(settings)}
          onChange={(event) => choose(Object.keys(names).find((name): name is HubChoice => name === event.target.value) ?? 'default')}
        >
          {Object.entries(names).map(([choice, name]) => (
            <option key={choice} value={choice}>
              {name}
            </option>
          ))}
        </select>
      </Row>
      <Row label={words.endpoint} hint={words.endpointHint}>
        <div className="col set-wide">
          <span className="row">
            <input
              ref={field}
              className="field grow"
              inputMode="url"
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
              {status.data.error !== null &&
                status.data.error.code !== 'hub/unreachable' &&
                ` – ${why.title}${common.fullStop}${why.action}`}
            </span>
          )}
          {status.error !== null && <ErrorNotice error={status.error} />}
        </div>
      </Row>
    </>
  )
}

type Words = ReturnType<typeof useMessages>['settings']

function purposeOf({ purpose, about }: NetworkEntry, words: Words): string {
  const text = words.logPurpose[purpose]
  return about === null ? text : words.logAbout({ purpose: text, about })
}

function outcomeOf({ outcome, count = 1 }: NetworkEntry, words: Words): string {
  if (/^\d+$/.test(outcome)) return count === 1 ? outcome : words.logTimes({ outcome, count })
  return outcome === 'refused: offline' ? words.logRefused : words.logFailed({ reason: outcome })
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
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard
        <div className="log-scroll" tabIndex={0} role="log" aria-label={words.log} aria-live="off">
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
                  <td className="break">{purposeOf(entry, words)}</td>
                  <td className={/^\d+$/.test(entry.outcome) ? 'nw' : 'break'}>{outcomeOf(entry, words)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  )
}
