import type { UseCase } from '@shared/domain/catalog'
import { type UseNeeds, needsOf, useNeeds } from '@shared/domain/recommend'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { client } from '../../lib/client'
import { useMessages } from '../../lib/i18n'
import { settingsLive, useLive } from '../../lib/live'
import { Button, ErrorNotice, NumberSetting, Popover } from '../../ui'

/** As it was typed: 7, 7.5, 1000. */
const plain = (value: number): string => String(Number(value.toPrecision(4)))

/** From which speed on a model is usable for this use: a habit of most people, and anybody's to change. */
export function Needs({ use }: { use: UseCase }) {
  const { discover, common } = useMessages()
  const words = discover.wants
  const own = useLive(settingsLive)?.useNeeds ?? {}
  const queries = useQueryClient()
  const [error, setError] = useState<unknown>(null)
  const needs = needsOf(use, own)
  const usual = useNeeds[use]
  const changed = needs.decode !== usual.decode || needs.firstTokenMs !== usual.firstTokenMs
  const save = (patch: Partial<Pick<UseNeeds, 'decode' | 'firstTokenMs'>> | null) => {
    setError(null)
    const { [use]: before, ...others } = own
    const next = Object.entries({ ...(patch === null ? {} : before), ...patch }).filter(([, value]) => value !== undefined)
    client.app
      .setSettings({ useNeeds: next.length === 0 ? others : { ...others, [use]: Object.fromEntries(next) } })
      .then(() => queries.invalidateQueries({ queryKey: ['discover.recommend'] }))
      .catch(setError)
  }
  const figures = { speed: plain(needs.decode), seconds: plain(needs.firstTokenMs / 1_000) }
  return (
    <Popover
      label={words.title({ use: discover.use[use] })}
      trigger={
        <button type="button" className="chip" data-testid="needs" aria-label={words.open({ use: discover.use[use], ...figures })}>
          {words.short(figures)} {changed && <span className="tag acc">{common.yours}</span>}
        </button>
      }
    >
      <div className="wants">
        <h3>{words.title({ use: discover.use[use] })}</h3>
        <p className="t2 f12">{words.hint}</p>
        <div className="row">
          <span className="grow">{words.decode}</span>
          <NumberSetting
            label={words.decode}
            value={own[use]?.decode ?? null}
            usual={plain(usual.decode)}
            min={0.1}
            max={1_000}
            onSave={(decode) => save({ decode: decode ?? undefined })}
          />
        </div>
        <div className="row">
          <span className="grow">{words.firstToken}</span>
          <NumberSetting
            label={words.firstToken}
            value={own[use]?.firstTokenMs === undefined ? null : own[use].firstTokenMs / 1_000}
            usual={plain(usual.firstTokenMs / 1_000)}
            min={0.1}
            max={3_600}
            onSave={(seconds) => save({ firstTokenMs: seconds === null ? undefined : Math.round(seconds * 1_000) })}
          />
        </div>
        <Button size="s" disabled={!changed} onClick={() => save(null)}>
          {common.reset}
        </Button>
        {error !== null && <ErrorNotice error={error} />}
      </div>
    </Popover>
  )
}
