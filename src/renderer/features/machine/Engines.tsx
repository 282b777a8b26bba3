import type { Backend, BackendReport, HardwareReport } from '@shared/domain/hardware'
import { Check, CircleDashed, TriangleAlert, X } from 'lucide-react'
import { useState } from 'react'
import { client } from '../../lib/client'
import { speed } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { engineLive, useLive } from '../../lib/live'
import { Button, ErrorNotice } from '../../ui'

type CheckState =
  | { kind: 'running' }
  | { kind: 'ok'; tokensPerSecond: number }
  | { kind: 'wrong'; detail: string }
  | { kind: 'failed'; error: unknown }

/** One row per backend. Nothing claims to work right before its check gave the right answer. */
export function Engines({ report }: { report: HardwareReport }) {
  const { machine } = useMessages()
  const [checks, setChecks] = useState<Partial<Record<Backend, CheckState>>>({})
  const engine = useLive(engineLive)
  const inUse = engine?.state === 'ready' ? engine.backend : null
  const set = (backend: Backend, state: CheckState) => setChecks((before) => ({ ...before, [backend]: state }))
  const check = (backend: Backend) => {
    set(backend, { kind: 'running' })
    client.machine
      .engineCheck({ backend })
      .then(({ ok, detail, tokensPerSecond }) => set(backend, ok ? { kind: 'ok', tokensPerSecond } : { kind: 'wrong', detail }))
      .catch((error: unknown) => set(backend, { kind: 'failed', error }))
  }
  return (
    <section aria-label={machine.engines}>
      <h2 className="h2">
        {machine.engines} <span className="t3">{machine.enginesHint}</span>
      </h2>
      <ul className="plain card flush">
        {report.backends.map((row) => (
          <BackendRow
            key={row.backend}
            row={row}
            check={checks[row.backend]}
            inUse={inUse === row.backend}
            onCheck={() => check(row.backend)}
          />
        ))}
      </ul>
    </section>
  )
}

function BackendRow({
  row,
  check,
  inUse,
  onCheck,
}: {
  row: BackendReport
  check: CheckState | undefined
  inUse: boolean
  onCheck: () => void
}) {
  const { machine } = useMessages()
  const name = machine.backend[row.backend]
  const works = row.state === 'works'
  const Icon =
    check?.kind === 'ok'
      ? Check
      : check?.kind === 'wrong' || check?.kind === 'failed' || row.state === 'crashed'
        ? TriangleAlert
        : works
          ? CircleDashed
          : X
  const tone =
    check?.kind === 'ok' ? 'good' : check?.kind === 'wrong' || check?.kind === 'failed' || row.state === 'crashed' ? 'warn' : 't3'
  const text =
    check === undefined
      ? [machine.state[row.state], ...row.devices].join(' · ')
      : check.kind === 'running'
        ? machine.checking
        : check.kind === 'ok'
          ? machine.checkOk({ speed: speed(check.tokensPerSecond) })
          : check.kind === 'wrong'
            ? machine.checkWrong
            : ''
  return (
    <li className="engine" data-testid="backend-row" data-backend={row.backend} data-check={check?.kind ?? 'none'}>
      <div className="row">
        <Icon className={`i s ${tone}`} aria-hidden="true" />
        <b className="m engine-name">{name}</b>
        <span className="t2 grow sel" role="status" title={check?.kind === 'wrong' ? check.detail : (row.detail ?? undefined)}>
          {text}
        </span>
        {inUse && <span className="tag acc">{machine.inUse}</span>}
        {works && (
          <Button
            kind="quiet"
            size="s"
            disabled={check?.kind === 'running'}
            aria-label={machine.checkNamed({ backend: name })}
            onClick={onCheck}
          >
            {machine.check}
          </Button>
        )}
      </div>
      {check?.kind === 'wrong' && <p className="t3 f11 mono sel break">{check.detail}</p>}
      {check?.kind === 'failed' && <ErrorNotice error={check.error} />}
    </li>
  )
}
