import type { LibraryModel } from '@shared/domain/library'
import type { ThinkingChoice } from '@shared/domain/thinking'
import { ChevronDown, Lightbulb, LightbulbOff } from 'lucide-react'
import { useState } from 'react'
import { useCommand } from '../../lib/commands'
import { count, range, speed, timeLeft } from '../../lib/format'
import { useLanguage, useMessages } from '../../lib/i18n'
import { Button, Popover, Switch } from '../../ui'
import { useFit } from '../library'
import { type ThinkingState, budgets, thinkingState, toggled, withBudget } from './thinkingState'

interface ControlProps {
  model: LibraryModel
  choice: ThinkingChoice
  onChange: (choice: ThinkingChoice) => void
}

export function ThinkingControl({ model, choice, onChange }: ControlProps) {
  const { chat, common } = useMessages()
  const [open, setOpen] = useState(false)
  const words = chat.thinking
  const state = thinkingState(model.thinking, choice)
  useCommand('toggle-thinking', () => onChange(toggled(model.thinking, choice)))
  const budget = state.kind === 'none' ? null : state.budget
  const active =
    state.kind === 'always' || (state.kind === 'toggle' && state.on) || (state.kind === 'effort' && state.level !== state.offLevel)
  const levelName = (level: string) => (state.kind === 'effort' && level === state.offLevel ? words.levelOff : level)
  const summary =
    state.kind === 'none'
      ? common.none
      : state.kind === 'always'
        ? words.always
        : state.kind === 'effort'
          ? state.level === null
            ? words.byDefault
            : levelName(state.level)
          : ''
  const Icon = active ? Lightbulb : LightbulbOff
  return (
    <>
      {state.kind === 'toggle' && (
        <Switch checked={state.on} onChange={() => onChange(toggled(model.thinking, choice))} title={words.toggleWhy}>
          <Icon className="i s" aria-hidden="true" />
          {words.name}
        </Switch>
      )}
      <Popover
        label={words.open}
        side="top"
        wide
        open={open}
        onOpenChange={setOpen}
        trigger={
          <Button
            kind="quiet"
            className="setter-btn"
            aria-label={state.kind === 'toggle' ? words.open : `${words.name}: ${summary}`}
            title={words.open}
          >
            {state.kind !== 'toggle' && (
              <>
                <Icon className="i s" aria-hidden="true" />
                <span className="reg">{words.name}</span>
              </>
            )}
            {summary !== '' && <b>{summary}</b>}
            {active && budget !== null && <b>{words.upToShort({ count: count(budget) })}</b>}
            <ChevronDown className="i xs chev" aria-hidden="true" />
          </Button>
        }
      >
        <ThinkingDetails state={state} model={model} choice={choice} onChange={onChange} levelName={levelName} />
      </Popover>
    </>
  )
}

function ThinkingDetails({
  state,
  model,
  choice,
  onChange,
  levelName,
}: ControlProps & { state: ThinkingState; levelName: (level: string) => string }) {
  const { chat } = useMessages()
  const words = chat.thinking
  const language = useLanguage()
  const why = { none: words.noneWhy, always: words.alwaysWhy, toggle: words.toggleWhy, effort: words.effortWhy }[state.kind]
  const rate = model.measuredTokensPerSecond
  const planned = state.kind !== 'none' && state.budget !== null ? state.budget : 1_024
  // Nothing was measured yet: a prediction is a range.
  const fit = useFit(model.id, null, rate === null && state.kind !== 'none')
  const [slowest, fastest] = fit?.speed.decode ?? [0, 0]
  const estimated = (tokens: number, [low, high]: [number, number]): string => {
    const [shortest, longest] = [timeLeft(tokens / high, language), timeLeft(tokens / low, language)]
    const time = shortest === longest ? shortest : words.fromTo({ from: shortest, to: longest })
    return words.estimatePredicted({ tokens: count(tokens), time, speed: range([low, high]) })
  }
  const rows: [name: string, on: string, off: string][] = [
    [words.compare.speed, words.compare.speedOn, words.compare.speedOff],
    [words.compare.form, words.compare.formOn, words.compare.formOff],
    [words.compare.accuracy, words.compare.accuracyOn, words.compare.accuracyOff],
    [words.compare.transparency, words.compare.transparencyOn, words.compare.transparencyOff],
    [words.compare.goodFor, words.compare.goodForOn, words.compare.goodForOff],
    [words.compare.cost, words.compare.costOn, words.compare.costOff],
  ]
  return (
    <div className="thinking-pop">
      <h3>{state.kind === 'none' ? words.none : words.name}</h3>
      <p className="t2 f12">{why}</p>
      {state.kind !== 'none' && (
        <div className="row wrap fields">
          {state.kind === 'effort' && (
            <label className="row">
              {words.level}
              <select
                className="select"
                value={state.level ?? ''}
                onChange={(event) => onChange({ mode: 'effort', level: event.target.value, budgetTokens: state.budget })}
              >
                {state.level === null && <option value="">{words.byDefault}</option>}
                {state.levels.map((level) => (
                  <option key={level} value={level}>
                    {levelName(level)}
                  </option>
                ))}
              </select>
            </label>
          )}
          <label className="row" title={words.budgetHint}>
            {words.budget}
            <select
              className="select"
              value={state.budget ?? ''}
              disabled={state.kind === 'toggle' && !state.on}
              onChange={(event) =>
                onChange(withBudget(model.thinking, choice, event.target.value === '' ? null : Number(event.target.value)))
              }
            >
              <option value="">{words.noLimit}</option>
              {budgets.map((budget) => (
                <option key={budget} value={budget}>
                  {words.upTo({ count: count(budget) })}
                </option>
              ))}
            </select>
          </label>
        </div>
      )}
      <table className="grid-table compare">
        <thead>
          <tr>
            <th>
              <span className="vh">{words.name}</span>
            </th>
            <th>{words.on}</th>
            <th>{words.off}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, on, off]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{on}</td>
              <td>{off}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {state.kind !== 'none' && (
        <p className="t2 f12" data-testid="thinking-estimate">
          {rate !== null && rate > 0
            ? words.estimate({ tokens: count(planned), time: timeLeft(planned / rate, language), speed: speed(rate) })
            : fit !== null && slowest > 0 && estimated(planned, [slowest, fastest])}
        </p>
      )}
    </div>
  )
}
