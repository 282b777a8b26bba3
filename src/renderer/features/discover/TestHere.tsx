import type { FitReport } from '@shared/domain/fit'
import type { CopySubject } from '@shared/ipc/copies'
import { Gauge } from 'lucide-react'
import { useState } from 'react'
import { client } from '../../lib/client'
import { gib, percent, range, speed, timeLeft } from '../../lib/format'
import { useLanguage, useMessages } from '../../lib/i18n'
import { copyTestLive, useLive } from '../../lib/live'
import type { Offer } from '../../lib/offer'
import { Button, ErrorNotice, IconButton } from '../../ui'
import { isSubject } from './matching'
import { useSimulation } from './simulation'

interface TestProps {
  offer: Offer
  fit: FitReport
}

/** Runs an empty copy of the model on this machine; only its header is fetched. */
function useTest(offer: Offer, fit: FitReport) {
  const view = useLive(copyTestLive)
  const [refused, setRefused] = useState<unknown>(null)
  const simulated = useSimulation() !== null
  const mine = (subject: CopySubject): boolean => isSubject(offer, subject)
  const running = view?.running != null && mine(view.running) ? view.running : null
  const { repository, file, quantization } = offer
  const { contextSize, kvCacheType } = fit.plan
  return {
    running,
    possible: repository !== null && !simulated,
    busy: view?.running != null,
    error: refused ?? (view?.error != null && running === null && mine(view.error.subject) ? view.error.value : null),
    start: () => {
      if (repository === null) return
      setRefused(null)
      client.discover.testHere({ repository, file, quantization, contextSize, kvCacheType }).catch(setRefused)
    },
    cancel: () => void client.discover.cancelTest().catch(setRefused),
  }
}

/** In a row: one small button. */
export function TestButton({ offer, fit }: TestProps) {
  const { discover } = useMessages()
  const { possible, busy, start } = useTest(offer, fit)
  if (!possible) return <span />
  return (
    <IconButton label={discover.testHereNamed({ name: `${offer.name} ${offer.quantization}` })} disabled={busy} onClick={start}>
      <Gauge className="i" aria-hidden="true" />
    </IconButton>
  )
}

/** Below a row: what goes on, and what came out. */
export function TestLine({ offer, fit }: TestProps) {
  const { running, error, cancel } = useTest(offer, fit)
  const shown = useSimulation() === null ? fit.copy : undefined
  if (running === null && error === null && shown === undefined) return null
  return (
    <div className="test-line" data-testid="copy-test">
      {running !== null && <Progress name={offer.name} running={running} onCancel={cancel} />}
      {running === null && error !== null && <ErrorNotice error={error} />}
      {running === null && error === null && shown !== undefined && <Measured copy={shown} />}
    </div>
  )
}

/** In the panel with the arithmetic: with a word on what it does. */
export function TestPanel({ offer, fit }: TestProps) {
  const { discover } = useMessages()
  const { possible, busy, running, error, start, cancel } = useTest(offer, fit)
  if (!possible) return null
  return (
    <div className="test-panel">
      {running === null ? (
        <div className="row">
          <span className="t3 f11 grow">{discover.testHint}</span>
          <Button size="s" disabled={busy} onClick={start}>
            <Gauge className="i s" aria-hidden="true" />
            {discover.testHere}
          </Button>
        </div>
      ) : (
        <Progress name={offer.name} running={running} onCancel={cancel} />
      )}
      {running === null && error !== null && <ErrorNotice error={error} />}
      {running === null && fit.copy !== undefined && <Measured copy={fit.copy} />}
    </div>
  )
}

interface ProgressProps {
  name: string
  running: { stage: 'header' | 'memory' | 'speed'; fraction: number; secondsLeft: number }
  onCancel: () => void
}

function Progress({ name, running: { stage, fraction, secondsLeft }, onCancel }: ProgressProps) {
  const { discover, common } = useMessages()
  const language = useLanguage()
  return (
    <div className="row">
      <span className="t2 f12 nw" role="status">
        {discover.testStage[stage]}
      </span>
      <progress className="test-progress grow" max={1} value={fraction} aria-label={discover.testHereNamed({ name })} />
      <span className="t3 f11 nw">{discover.testLeft({ left: timeLeft(secondsLeft, language) })}</span>
      <Button kind="quiet" size="s" aria-label={discover.testCancelNamed({ name })} onClick={onCancel}>
        {common.cancel}
      </Button>
    </div>
  )
}

function Measured({ copy: { predicted, measured } }: { copy: NonNullable<FitReport['copy']> }) {
  const { discover } = useMessages()
  const { typical, decode } = measured.speed
  const figures = (tokens: string, bytes: number | null) =>
    bytes === null ? discover.testSpeed({ speed: tokens }) : discover.testFigures({ speed: tokens, memory: gib(bytes, true) })
  const said = predicted.speed.typical === undefined ? range(predicted.speed.decode) : speed(predicted.speed.typical.decode)
  return (
    <div className="f12 sel">
      <b className="m">{discover.testMeasured}</b>{' '}
      <span data-testid="copy-measured">{figures(speed(typical?.decode ?? Math.sqrt(decode[0] * decode[1])), measured.totalBytes)}</span>{' '}
      <span className="t3">
        {discover.testSpread({ spread: percent(measured.spread) })} ·{' '}
        {discover.testPredicted({ figures: figures(said, measured.totalBytes === null ? null : predicted.totalBytes) })}
      </span>
      {!measured.steady && <p className="warn">{discover.testUnsteady}</p>}
    </div>
  )
}
