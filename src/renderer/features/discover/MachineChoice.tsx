import { type SimulatedMachine, simulatedDevices } from '@shared/domain/simulate'
import { GiB } from '@shared/domain/units'
import { useState } from 'react'
import { useMessages } from '../../lib/i18n'

const here = 'here'
const own = 'own'
const usual: SimulatedMachine = { device: null, vramBytes: 24 * GiB, ramBytes: 32 * GiB }

/** This machine, one of the table, or figures of one's own: "what would a 24 GB card run?" */
export function MachineChoice({ value, onChange }: { value: SimulatedMachine | null; onChange: (value: SimulatedMachine | null) => void }) {
  const { discover } = useMessages()
  const chosen = value === null ? here : (value.device ?? own)
  const choose = (name: string) => onChange(name === here ? null : name === own ? usual : { device: name, vramBytes: null, ramBytes: null })
  return (
    <>
      <select
        className="select which-machine"
        aria-label={discover.machine}
        data-simulated={value !== null}
        value={chosen}
        onChange={(event) => choose(event.target.value)}
      >
        <option value={here}>{discover.thisMachine}</option>
        <optgroup label={discover.simulatedMachines}>
          {simulatedDevices.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
          <option value={own}>{discover.ownFigures}</option>
        </optgroup>
      </select>
      {value !== null && value.device === null && (
        <>
          <Figure
            label={discover.ownVram}
            bytes={value.vramBytes ?? 0}
            least={0}
            onChange={(vramBytes) => onChange({ ...value, vramBytes })}
          />
          <Figure
            label={discover.ownRam}
            bytes={value.ramBytes ?? 32 * GiB}
            least={1}
            onChange={(ramBytes) => onChange({ ...value, ramBytes })}
          />
        </>
      )}
    </>
  )
}

/** The most that is asked of main: see the contract. */
const mostGib = 8_192

function Figure({ label, bytes, least, onChange }: { label: string; bytes: number; least: number; onChange: (bytes: number) => void }) {
  const [text, setText] = useState(String(Math.round((bytes / GiB) * 10) / 10))
  const value = Number(text)
  const valid = text.trim() !== '' && Number.isFinite(value) && value >= least && value <= mostGib
  return (
    <label className="row f12">
      {label}
      <input
        className="field num gib"
        inputMode="decimal"
        aria-label={label}
        aria-invalid={!valid}
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          const next = Number(event.target.value)
          if (event.target.value.trim() !== '' && next >= least && next <= mostGib) onChange(next * GiB)
        }}
      />
    </label>
  )
}
