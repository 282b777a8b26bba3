import { stages } from '@shared/domain/training'
import { useState } from 'react'
import { useMessages } from '../../lib/i18n'
import { Button, Popover } from '../../ui'
import { type Multiples, usualMultiples } from './plan'

/** The multiples of the field guide, to be changed by whoever knows better. */
export function Assumptions({ value, onChange }: { value: Multiples; onChange: (value: Multiples) => void }) {
  const { planner, common } = useMessages()
  return (
    <Popover label={planner.assumptions} trigger={<Button kind="quiet">{planner.assumptions}</Button>}>
      <div className="assume">
        <h3>{planner.assumptions}</h3>
        <p className="t2 f12">{planner.assumptionsHint}</p>
        {(['quantized', ...stages] as const).map((what) => (
          <Pair key={`${what}-${value[what].join()}`} what={what} value={value} onChange={onChange} />
        ))}
        <Button size="s" disabled={value === usualMultiples} onClick={() => onChange(usualMultiples)}>
          {common.reset}
        </Button>
      </div>
    </Popover>
  )
}

function Pair({ what, value, onChange }: { what: keyof Multiples; value: Multiples; onChange: (value: Multiples) => void }) {
  const { planner } = useMessages()
  const [low, setLow] = useState(String(value[what][0]))
  const [high, setHigh] = useState(String(value[what][1]))
  const from = Number(low)
  const to = Number(high)
  const valid = from >= 1 && to >= from && to <= 1_000
  const save = () => {
    if (valid && (from !== value[what][0] || to !== value[what][1])) onChange({ ...value, [what]: [from, to] })
  }
  const name = what === 'quantized' ? planner.quantizedFile : planner.stage[what]
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
