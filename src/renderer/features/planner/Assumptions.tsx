import { type Stage, stageMultiples, stages } from '@shared/domain/training'
import { useState } from 'react'
import { useMessages } from '../../lib/i18n'
import { Button, Popover } from '../../ui'
import type { Multiples } from './plan'

/** The multiples of the field guide, to be changed by whoever knows better. */
export function Assumptions({ value, onChange }: { value: Multiples; onChange: (value: Multiples) => void }) {
  const { planner, common } = useMessages()
  return (
    <Popover label={planner.assumptions} trigger={<Button kind="quiet">{planner.assumptions}</Button>}>
      <div className="assume">
        <h3>{planner.assumptions}</h3>
        <p className="t2 f12">{planner.assumptionsHint}</p>
        {stages.map((stage) => (
          <Pair key={`${stage}-${value[stage].join()}`} stage={stage} value={value} onChange={onChange} />
        ))}
        <Button size="s" disabled={value === stageMultiples} onClick={() => onChange(stageMultiples)}>
          {common.reset}
        </Button>
      </div>
    </Popover>
  )
}

function Pair({ stage, value, onChange }: { stage: Stage; value: Multiples; onChange: (value: Multiples) => void }) {
  const { planner } = useMessages()
  const [low, setLow] = useState(String(value[stage][0]))
  const [high, setHigh] = useState(String(value[stage][1]))
  const from = Number(low)
  const to = Number(high)
  const valid = from >= 1 && to >= from && to <= 1_000
  const save = () => {
    if (valid && (from !== value[stage][0] || to !== value[stage][1])) onChange({ ...value, [stage]: [from, to] })
  }
  const name = planner.stage[stage]
  return (
    <div className="row">
      <span className="grow">{name}</span>
      <input
        className="field num"
        inputMode="decimal"
        aria-label={`${name}, ${planner.from}`}
        aria-invalid={!valid}
        value={low}
        onChange={(event) => setLow(event.target.value)}
        onBlur={save}
      />
      <span>–</span>
      <input
        className="field num"
        inputMode="decimal"
        aria-label={`${name}, ${planner.to}`}
        aria-invalid={!valid}
        value={high}
        onChange={(event) => setHigh(event.target.value)}
        onBlur={save}
      />
      <span className="t3">×</span>
    </div>
  )
}
