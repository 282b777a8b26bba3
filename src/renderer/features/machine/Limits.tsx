import type { HardwareReport } from '@shared/domain/hardware'
import { bestBackend } from '@shared/domain/pools'
import type { Bytes } from '@shared/domain/units'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { client } from '../../lib/client'
import { useMessages } from '../../lib/i18n'
import { settingsLive, useLive } from '../../lib/live'
import { Button, ErrorNotice, MemorySetting } from '../../ui'

/** What a person decides instead of Snug; marked as theirs here and in every sum. */
export function Limits({ report }: { report: HardwareReport }) {
  const { machine, common, settings: words } = useMessages()
  const settings = useLive(settingsLive)
  const queries = useQueryClient()
  const [error, setError] = useState<unknown>(null)
  const { reserveBytes = null, vramBudgetBytes = null } = settings ?? {}
  if (settings === undefined) return null
  const save = (patch: { reserveBytes?: Bytes | null; vramBudgetBytes?: Bytes | null }) => {
    setError(null)
    client.app
      .setSettings(patch)
      .then(() => queries.invalidateQueries())
      .catch(setError)
  }
  const hasCard = bestBackend(report) !== 'cpu'
  const own = reserveBytes !== null || vramBudgetBytes !== null
  return (
    <section aria-label={machine.limits} data-testid="limits">
      <h2 className="h2">
        <span className="nw">{machine.limits}</span> <span className="t3">{machine.limitsHint}</span>
      </h2>
      <div className="card speed-card">
        {(hasCard || vramBudgetBytes !== null) && (
          <div className="row limit">
            <span className="grow">
              {machine.vramBudget} {vramBudgetBytes !== null && <span className="tag acc">{common.yours}</span>}
              <span className="t3 f12 block">{machine.vramBudgetHint}</span>
            </span>
            <MemorySetting label={machine.vramBudget} bytes={vramBudgetBytes} onSave={(bytes) => save({ vramBudgetBytes: bytes })} />
          </div>
        )}
        <div className="row limit">
          <span className="grow">
            {words.reserve} {reserveBytes !== null && <span className="tag acc">{common.yours}</span>}
            <span className="t3 f12 block">{machine.reserveHint}</span>
          </span>
          <MemorySetting label={words.reserve} bytes={reserveBytes} onSave={(bytes) => save({ reserveBytes: bytes })} />
        </div>
        {own && (
          <div className="row">
            <span className="grow" />
            <Button size="s" onClick={() => save({ reserveBytes: null, vramBudgetBytes: null })}>
              {machine.reset}
            </Button>
          </div>
        )}
        {error !== null && <ErrorNotice error={error} />}
      </div>
    </section>
  )
}
