import { formatBytes, formatBytesRange } from '@shared/domain/format'
import { type Precision, bytesPerParameter } from '@shared/domain/ruleOfThumb'
import type { Stage, StagePartKind } from '@shared/domain/training'
import { useState } from 'react'
import { useLanguage, useMessages } from '../../lib/i18n'
import { machineLive, useLive } from '../../lib/live'
import { useCurrentModel } from '../../lib/models'
import { Page, Segmented } from '../../ui'
import { Assumptions } from './Assumptions'
import { deviceChoices } from './devices'
import { Parallel } from './Parallel'
import { type Multiples, makePlan, parametersAt, parseBillions, positionOf, usualMultiples } from './plan'
import './planner.css'
import { StageRow, partClass } from './StageRow'

const precisions = Object.keys(bytesPerParameter) as Precision[]
const kinds: readonly StagePartKind[] = ['parameters', 'gradients', 'optimizer', 'intermediate', 'kernels']
/** Where nothing is loaded. */
const startParameters = 8e9
/** Below this it is a test model, from which nobody plans. */
const leastParameters = 10e6

/** Rules of thumb before any file is known: three inputs, four stages as ranges. */
export function PlannerPage() {
  const messages = useMessages()
  const { planner, common, discover } = messages
  const language = useLanguage()
  const { model: chosen } = useCurrentModel()
  const model = chosen !== null && chosen.parameters >= leastParameters ? chosen : null
  const report = useLive(machineLive)
  const [typed, setTyped] = useState<string | null>(null)
  const [parameters, setParameters] = useState<number | null>(null)
  const [precision, setPrecision] = useState<Precision>('BF16')
  const [deviceId, setDeviceId] = useState<string | null>(null)
  const [stage, setStage] = useState<Stage>('inference')
  const [multiples, setMultiples] = useState<Multiples>(usualMultiples)

  const devices = deviceChoices(report)
  const device = devices.find(({ id }) => id === deviceId) ?? devices[0]
  // A number out of range keeps the last picture and marks the field.
  const current = parameters ?? model?.parameters ?? startParameters
  const wrong = typed !== null && parseBillions(typed) === null
  const billions = Number((current / 1e9).toPrecision(3)).toString()
  if (device === undefined) return <Page title={planner.title}>{null}</Page>
  const plan = makePlan(current, precision, device.usableBytes, multiples)
  const rack = Math.max(...plan.stages.map((entry) => entry.devices[1]))
  const selected = plan.stages.find((entry) => entry.stage === stage)
  const type = (text: string) => {
    setTyped(text)
    const value = parseBillions(text)
    if (value !== null) setParameters(value)
  }
  return (
    <Page
      title={planner.title}
      tool={
        <>
          <span className="t2 f12 nw">{planner.hint}</span>
          <Assumptions value={multiples} onChange={setMultiples} />
        </>
      }
    >
      <section className="card inputs">
        <div className="col">
          <label className="t2 f12" htmlFor="planner-parameters">
            {planner.parameters}
          </label>
          <div className="row">
            <label className={wrong ? 'input wrong' : 'input'}>
              <input
                id="planner-parameters"
                inputMode="decimal"
                aria-invalid={wrong}
                value={typed ?? billions}
                onChange={(event) => type(event.target.value)}
                onBlur={() => setTyped(null)}
              />
              <span className="t3">{planner.billions}</span>
            </label>
            <input
              className="range grow"
              type="range"
              min={0}
              max={1000}
              aria-label={planner.parameters}
              aria-valuetext={`${billions}B`}
              value={positionOf(current)}
              onChange={(event) => {
                setTyped(null)
                setParameters(parametersAt(Number(event.target.value)))
              }}
            />
          </div>
          <span className={wrong ? 'bad f11' : 't3 f11'}>
            {wrong ? (
              planner.parametersBad
            ) : model === null ? (
              ' '
            ) : parameters === null ? (
              planner.fromModel({ name: model.name })
            ) : (
              <button
                type="button"
                className="link"
                onClick={() => {
                  setTyped(null)
                  setParameters(null)
                }}
              >
                {planner.fromModel({ name: model.name })}
              </button>
            )}
          </span>
        </div>
        <div className="col">
          <span className="t2 f12">{planner.precision}</span>
          <Segmented
            label={planner.precision}
            value={precision}
            options={precisions.map((value) => ({ value, label: value }))}
            onChange={setPrecision}
          />
        </div>
        <label className="col">
          <span className="t2 f12">{planner.device}</span>
          <select className="select" aria-label={planner.device} value={device.id} onChange={(event) => setDeviceId(event.target.value)}>
            {devices.map((entry) => {
              const words = {
                name: entry.id === 'here-cpu' ? common.ram : entry.name,
                memory: (entry.totalBytes / 2 ** 30).toFixed(entry.here ? 1 : 0),
              }
              return (
                <option key={entry.id} value={entry.id}>
                  {entry.here ? planner.thisMachine(words) : planner.deviceOption(words)}
                </option>
              )
            })}
          </select>
        </label>
      </section>
      <section aria-label={planner.stages}>
        <h2 className="h2 plan-head">
          {planner.modelIs({ size: formatBytes(plan.modelBytes, language) })}
          <span className="t3 sel">
            {planner.formula({ billions, bytes: String(plan.bytesPerParameter) })}
            {plan.quantizedBytes !== null &&
              common.listSeparator +
                planner.quantized({
                  range: formatBytesRange(plan.quantizedBytes, language),
                  low: String(multiples.quantized[0]),
                  high: String(multiples.quantized[1]),
                })}
          </span>
          <span className="tag">
            {planner.sizeClass({
              name: plan.sizeClass.between ? common.between : common.sizeClass[plan.sizeClass.id],
              needs: discover.needs[plan.sizeClass.needs],
            })}
          </span>
        </h2>
        <div className="legend plan-legend">
          {kinds.map((kind) => (
            <span key={kind}>
              <i className={`sq ${partClass[kind]}`} />
              {planner.part[kind]}
            </span>
          ))}
          <span className="t3">{planner.boxes}</span>
        </div>
        <div className="card flush" role="group" aria-label={planner.stageLabel}>
          {plan.stages.map((entry) => (
            <StageRow
              key={entry.stage}
              plan={entry}
              rack={rack}
              device={device}
              selected={entry.stage === stage}
              onSelect={() => setStage(entry.stage)}
            />
          ))}
        </div>
      </section>
      {selected !== undefined && (
        <Parallel key={`${stage}-${selected.devices.join()}`} plan={selected} device={device} model={model?.fileName ?? 'MODEL.gguf'} />
      )}
    </Page>
  )
}
