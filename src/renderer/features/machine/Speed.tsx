import { median, type Calibration } from '@shared/domain/calibration'
import type { CalibrationView, MeasuredModel } from '@shared/ipc/machine'
import { Gauge } from 'lucide-react'
import { count, dateAndTime, percent, range, speed } from '../../lib/format'
import { useLanguage, useMessages } from '../../lib/i18n'
import { Button, ErrorNotice, Note } from '../../ui'
import { SpeedRunning } from './SpeedRunning'
import { useCalibration } from './useCalibration'

/** How fast this machine is, measured; and how right what was said of the models used here has been. */
export function Speed() {
  const { machine } = useMessages()
  const language = useLanguage()
  const { view, wrongTime, error, start, cancel } = useCalibration()
  if (view === undefined) return null
  const { running, results, models } = view
  return (
    <section aria-label={machine.speedTitle} data-testid="speed">
      <h2 className="h2">{machine.speedTitle}</h2>
      <div className="card speed-card">
        {running === null ? (
          <div className="row">
            <Gauge className="i s t3" aria-hidden="true" />
            <span className="t2 grow">{summary(view, machine, language)}</span>
            <Button size="s" disabled={wrongTime} onClick={start}>
              {results.length === 0 ? machine.speedMeasure : machine.speedAgain}
            </Button>
          </div>
        ) : (
          <SpeedRunning running={running} onCancel={cancel} />
        )}
        {error !== null && <ErrorNotice error={error} />}
        {results.map(({ calibration, stale }) => (
          <Measured key={calibration.backend} calibration={calibration} stale={stale} />
        ))}
        {models.length > 0 && <Models models={models} />}
      </div>
    </section>
  )
}

type Words = ReturnType<typeof useMessages>['machine']

function summary({ results }: CalibrationView, machine: Words, language: ReturnType<typeof useLanguage>): string {
  if (results.length === 0) return machine.speedNone
  if (results.some(({ stale }) => stale)) return machine.speedStale
  return machine.speedAt({ date: dateAndTime(Math.max(...results.map(({ at }) => at)), language) })
}

function ends(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)]
}

function Measured({ calibration, stale }: { calibration: Calibration; stale: boolean }) {
  const { machine } = useMessages()
  const { backend, bandwidth, flops, threads, load } = calibration
  const rates = Object.values(bandwidth).map((value) => value / 1e9)
  const work = Object.values(flops).map((value) => value / 1e9)
  const title = Object.entries(bandwidth)
    .map(([type, value]) => `${type} ${speed(value / 1e9)} GB/s`)
    .join('\n')
  return (
    <>
      <dl className={stale ? 'speed-facts t3' : 'speed-facts'}>
        <div>
          <dt>{machine.speedReading({ backend: machine.backend[backend] })}</dt>
          <dd className="num sel" title={title}>
            {machine.bandwidth({ speed: range(ends(rates)) })}
          </dd>
        </div>
        <div>
          <dt>{machine.speedPrompts}</dt>
          <dd className="num sel">{work.length === 0 ? '—' : machine.flops({ speed: range(ends(work)) })}</dd>
        </div>
        {backend === 'cpu' && (
          <div>
            <dt>{machine.speedThreads}</dt>
            <dd className="sel">{machine.threads({ decode: count(threads.decode), prefill: count(threads.prefill) })}</dd>
          </div>
        )}
      </dl>
      {load !== null && load > 1 && backend === 'cpu' && <Note>{machine.speedLoad({ load: load.toFixed(1) })}</Note>}
    </>
  )
}

/** Off by more than this is worth a look. */
const worth = 0.25
/** The end of the drawing. */
const most = 0.5

function Models({ models }: { models: readonly MeasuredModel[] }) {
  const { machine } = useMessages()
  const errors = models.map((model) => Math.abs(offBy(model)))
  return (
    <>
      <table className="speed-table">
        <caption className="t3 f12">{machine.speedModels({ error: percent(median(errors)), count: models.length })}</caption>
        <thead>
          <tr>
            <th scope="col">{machine.speedModel}</th>
            <th scope="col" className="num">
              {machine.speedPredicted}
            </th>
            <th scope="col" className="num">
              {machine.speedMeasured}
            </th>
            <th scope="col">{machine.speedOff}</th>
          </tr>
        </thead>
        <tbody>
          {models.map((model) => (
            <ModelRow key={model.id} model={model} />
          ))}
        </tbody>
      </table>
    </>
  )
}

/** One figure for what was predicted: the middle of a range whose ends are factors apart, where nothing better is known. */
function predictedDecode({ predicted }: MeasuredModel): number {
  return predicted.typical?.decode ?? Math.sqrt(predicted.decode[0] * predicted.decode[1])
}

function offBy(model: MeasuredModel): number {
  return predictedDecode(model) / model.measured.decode - 1
}

function ModelRow({ model }: { model: MeasuredModel }) {
  const { machine } = useMessages()
  const off = offBy(model)
  const amber = Math.abs(off) > worth
  const width = (Math.min(most, Math.abs(off)) / most) * 50
  const words = `${off < 0 ? '−' : '+'}${percent(Math.abs(off))}`
  return (
    <tr>
      <th scope="row" className="ell sel" title={machine.speedReplies({ count: model.replies })}>
        {model.name} <span className="t3">{model.quantization}</span>
      </th>
      <td className="num">{model.predicted.typical === undefined ? range(model.predicted.decode) : speed(predictedDecode(model))}</td>
      <td className="num">{speed(model.measured.decode)}</td>
      <td aria-label={words}>
        <span className="row">
          <span className={amber ? 'off amber' : 'off'} aria-hidden="true">
            <i style={{ width: `${width.toFixed(1)}%`, insetInlineStart: off < 0 ? `${(50 - width).toFixed(1)}%` : '50%' }} />
          </span>
          <span className={amber ? 'num warn' : 'num t2'}>{words}</span>
        </span>
      </td>
    </tr>
  )
}
