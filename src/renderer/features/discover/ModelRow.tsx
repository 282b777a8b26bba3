import type { CapabilityScore } from '@shared/domain/catalog'
import type { FitReport } from '@shared/domain/fit'
import { type QuantizationLoss, normalQuantizationName, quantizationInfo } from '@shared/domain/quantization'
import type { QuantizationFit, Recommendation, RecommendationReason, SpeedGrade } from '@shared/domain/recommend'
import { ChevronRight, Lightbulb } from 'lucide-react'
import { useState } from 'react'
import { gib, parameters, range, size } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import type { Offer } from '../../lib/offer'
import { MemoryBar, OutcomePill, useWhere } from '../../ui'
import { Arithmetic } from './Arithmetic'
import { offerOf } from './matching'
import { Obtain } from './Obtain'
import { reasonSentence } from './reason'
import { moveBetweenRows } from './rowKeys'
import { useSimulation } from './simulation'
import { TestButton, TestLine, TestPanel } from './TestHere'

/** The sum says these by itself, with the same figures. */
const aboutFreeing: ReadonlySet<RecommendationReason['kind']> = new Set(['free-up', 'once-freed', 'only-now'])

export function ModelRow({ item }: { item: Recommendation }) {
  const messages = useMessages()
  const { discover, common } = messages
  const [open, setOpen] = useState(false)
  const { model, best, sizeClass } = item
  const here = useSimulation()?.here.get(model.id)
  const offer = offerOf(item, best, here)
  const billions =
    sizeClass.activeBillions !== null
      ? discover.activeOf({ total: parameters(model.parameters), active: parameters(model.activeParameters) })
      : parameters(model.parameters)
  return (
    <li className="mrow" data-testid="model-row" data-model={model.id}>
      <div className="cols">
        <div className="col">
          <span className="row tight">
            <span className="name ell">{model.name}</span>
            {model.thinking.kind !== 'none' && (
              <span className="t3 flex" title={discover.thinks}>
                <Lightbulb className="i xs" aria-label={discover.thinks} />
              </span>
            )}
          </span>
          <span
            className="sub ell"
            title={sizeClass.between ? discover.betweenNeeds({ needs: discover.needs[sizeClass.needs] }) : undefined}
          >
            {billions} ·{' '}
            {model.demonstration ? common.demonstrationStarter : sizeClass.between ? common.between : common.sizeClass[sizeClass.id]}
          </span>
        </div>
        <MemoryBar pools={best.fit.pools} parts={best.fit.parts} verdict={best.verdict} name={model.name} />
        <Arithmetic
          name={model.name}
          quantization={best.quantization}
          fit={best.fit}
          licence={model.licence.name}
          rating={item.capability}
          notes={[
            ...(aboutFreeing.has(item.reason.kind) ? [] : [reasonSentence(item.reason, messages)]),
            ...(model.geometry.experts !== null && best.verdict === 'partial-gpu' ? [discover.expertsTogether] : []),
            ...(model.imagesUnused ? [discover.imagesUnused] : []),
          ]}
          test={<TestPanel offer={offer} fit={best.fit} />}
        >
          {gib(best.fit.totalBytes)} GiB
        </Arithmetic>
        <Outcome grade={best.grade} fit={best.fit} />
        <Predicted fit={best.fit} />
        <span className="num t2 f12 nw if-room">{sizeText(best, discover.aboutShort)}</span>
        <button
          type="button"
          className="btn s quant"
          data-row
          aria-expanded={open}
          aria-label={`${discover.quantizationsOf({ name: model.name })}: ${best.quantization}`}
          onKeyDown={moveBetweenRows}
          onClick={() => setOpen(!open)}
        >
          <span className="mono">{best.quantization}</span>
          <ChevronRight className="i xs chev" aria-hidden="true" />
        </button>
        <TestButton offer={offer} fit={best.fit} />
        <Obtain offer={offer} />
      </div>
      {!open && <TestLine offer={offer} fit={best.fit} />}
      {open && (
        <ul className="plain quants" aria-label={discover.quantizationsOf({ name: model.name })}>
          {item.alternatives.map((row) => (
            <QuantizationRow
              key={row.quantization}
              name={model.name}
              quantization={row.quantization}
              loss={row.loss}
              fit={row.fit}
              grade={row.grade}
              rating={item.capability}
              best={row.quantization === best.quantization}
              sizeText={sizeText(row, discover.aboutShort)}
              offer={offerOf(item, row, here)}
            />
          ))}
        </ul>
      )}
    </li>
  )
}

function sizeText(row: Pick<QuantizationFit, 'sizeBytes' | 'sizeIsExact'>, about: (p: { size: string }) => string): string {
  return row.sizeIsExact ? size(row.sizeBytes) : about({ size: size(row.sizeBytes) })
}

/** The pill names the outcome, where it runs stands beside it. */
export function Outcome({ grade, fit }: { grade: SpeedGrade; fit: FitReport }) {
  const where = useWhere()
  return (
    <span className="outcome">
      <OutcomePill grade={grade} verdict={fit.verdict} />
      <span className="t3 f11 ell">{where(fit)}</span>
    </span>
  )
}

function Predicted({ fit }: { fit: FitReport }) {
  const { common, discover } = useMessages()
  const simulation = useSimulation()
  if (fit.verdict === 'too-big') return <span className="speed t3">—</span>
  return (
    <span
      className="speed"
      title={
        simulation === null
          ? fit.copy === undefined
            ? discover.predictedHint
            : discover.copyHint
          : discover.simulatedNote({ name: simulation.name })
      }
    >
      <b className="m">{range(fit.speed.decode)}</b>
      <span className="t3"> {common.tokensPerSecond}</span>
    </span>
  )
}

interface QuantizationRowProps {
  name: string
  quantization: string
  loss: QuantizationLoss
  fit: FitReport
  grade: SpeedGrade
  rating: CapabilityScore | null
  best: boolean
  sizeText: string
  offer: Offer
}

export function QuantizationRow({ name, quantization, loss, fit, grade, rating, best, sizeText: text, offer }: QuantizationRowProps) {
  const { common, discover } = useMessages()
  const divergence = quantizationInfo(quantization)?.klDivergence
  return (
    <li className="cols" data-best={best} data-testid="quantization-row" data-quantization={quantization}>
      <span className="q">
        <b className="m mono">{quantization}</b>
        <span
          className="t3 ell"
          title={
            divergence == null
              ? undefined
              : discover.lossSource({ divergence: divergence.toPrecision(2), same: normalQuantizationName(quantization) })
          }
        >
          {common.loss[loss]}
          {best && ` · ${discover.best}`}
        </span>
      </span>
      <MemoryBar pools={fit.pools} parts={fit.parts} verdict={fit.verdict} size="s" name={`${name} ${quantization}`} />
      <Arithmetic
        name={`${name} ${quantization}`}
        quantization={quantization}
        fit={fit}
        rating={rating}
        test={<TestPanel offer={offer} fit={fit} />}
      >
        {gib(fit.totalBytes)} GiB
      </Arithmetic>
      <Outcome grade={grade} fit={fit} />
      <Predicted fit={fit} />
      <span className="num t2 f12 nw if-room">{text}</span>
      <span />
      <TestButton offer={offer} fit={fit} />
      <Obtain offer={offer} />
      <TestLine offer={offer} fit={fit} />
    </li>
  )
}
