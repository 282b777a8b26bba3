import {
  isExact,
  maxTemperature,
  minTemperature,
  positionToTemperature,
  temperatureBand,
  temperatureBands,
  temperatureToPosition,
} from '@shared/domain/temperature'
import { Check, ChevronDown, RotateCcw, Thermometer, X } from 'lucide-react'
import { type PointerEvent, useState } from 'react'
import { useCommand } from '../../lib/commands'
import { useMessages } from '../../lib/i18n'
import { Button, Popover } from '../../ui'
import { engineTemperature, temperatureAfterKey, temperatureText } from './temperatureKeys'

interface ControlProps {
  /** null: what the model recommends, else llama.cpp's default. */
  value: number | null
  recommended: number | null
  /** What the person keeps for this model. */
  preset: number | null
  onChange: (value: number | null) => void
}

export function TemperatureControl({ value, recommended, preset, onChange }: ControlProps) {
  const { chat } = useMessages()
  const [open, setOpen] = useState(false)
  const words = chat.temperature
  const fallback = preset ?? recommended ?? engineTemperature
  const shown = value ?? fallback
  const name = isExact(shown) ? words.exact : words.bands[temperatureBand(shown).id].name
  useCommand('temperature', () => setOpen((before) => !before))
  return (
    <Popover
      label={words.name}
      side="top"
      align="center"
      wide
      open={open}
      onOpenChange={setOpen}
      trigger={
        <Button
          kind="quiet"
          className="setter-btn"
          aria-label={`${words.name}: ${words.value({ value: temperatureText(shown), band: name })}`}
          title={words.name}
        >
          <Thermometer className="i s" aria-hidden="true" />
          <b>{temperatureText(shown)}</b>
          <span className="reg">{name}</span>
          <ChevronDown className="i xs chev" aria-hidden="true" />
        </Button>
      }
    >
      <div className="temp-pop">
        <h3>
          <span className="now">{temperatureText(shown)}</span>
          <span className="grow">
            {words.name}{' '}
            <span className="t3 reg">
              {isExact(shown)
                ? words.exactHint
                : preset !== null
                  ? words.preset({ value: temperatureText(preset) })
                  : recommended !== null
                    ? words.recommended({ value: temperatureText(recommended) })
                    : words.engineDefault({ value: temperatureText(fallback) })}
            </span>
          </span>
          <Button kind="quiet" size="s" disabled={value === null} onClick={() => onChange(null)}>
            <RotateCcw className="i xs" aria-hidden="true" />
            {words.reset}
          </Button>
        </h3>
        <BandSlider
          value={shown}
          mark={recommended}
          label={words.name}
          text={words.value({ value: temperatureText(shown), band: name })}
          onChange={onChange}
        />
        <div className="bands">
          {temperatureBands.map((band) => {
            const text = words.bands[band.id]
            return (
              <div key={band.id} className="band" aria-current={temperatureBand(shown).id === band.id ? 'true' : undefined}>
                <div className="rng">{text.range}</div>
                <div className="nm">{text.name}</div>
                <p>{text.behaviour}</p>
                <p className="ok">
                  <Check className="i xs" aria-hidden="true" />
                  <span>{text.goodFor}</span>
                </p>
                <p className="no">
                  <X className="i xs" aria-hidden="true" />
                  <span>{text.avoidFor}</span>
                </p>
              </div>
            )
          })}
        </div>
      </div>
    </Popover>
  )
}

/** The four bands have equal width whatever their span. */
function BandSlider({
  value,
  mark,
  label,
  text,
  onChange,
}: {
  value: number
  mark: number | null
  label: string
  text: string
  onChange: (value: number) => void
}) {
  const band = temperatureBand(value).id
  const place = (at: number) => `${(temperatureToPosition(at) * 100).toFixed(2)}%`
  const set = (event: PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect()
    onChange(positionToTemperature((event.clientX - box.left) / box.width))
  }
  return (
    <div
      className="band-slider"
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={minTemperature}
      aria-valuemax={maxTemperature}
      aria-valuenow={value}
      aria-valuetext={text}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId)
        set(event)
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) set(event)
      }}
      onKeyDown={(event) => {
        const next = temperatureAfterKey(value, event.key)
        if (next === null) return
        event.preventDefault()
        onChange(next)
      }}
    >
      <span className="cut" aria-hidden="true">
        {temperatureBands.map(({ id }) => (
          <i key={id} className={id === band ? 'on' : undefined} />
        ))}
      </span>
      {mark !== null && <span className="mark-at" style={{ left: place(mark) }} aria-hidden="true" />}
      <span className="thumb" style={{ left: place(value) }} aria-hidden="true" />
    </div>
  )
}
