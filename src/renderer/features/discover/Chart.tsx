import { type ChartPoint, capabilityChart } from '@shared/domain/capabilityChart'
import type { UseCase } from '@shared/domain/catalog'
import { type Recommendation, useNeeds } from '@shared/domain/recommend'
import { useState } from 'react'
import { gib, range, size, speed } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { EmptyState, useWhere } from '../../ui'
import { scoreScale, speedScale } from './chartScale'

const place = (fraction: number) => `${(fraction * 100).toFixed(2)}%`

/** Capability against tokens per second: what fits, the best edge, and any two beside each other. */
export function Chart({ items, use }: { items: readonly Recommendation[]; use: UseCase }) {
  const { discover } = useMessages()
  const words = discover.chart
  const [chosen, setChosen] = useState<readonly string[]>([])
  const chart = capabilityChart(items, use)
  if (chart === null || chart.points.length === 0) return <EmptyState title={words.empty}>{null}</EmptyState>
  const { points, test, notRated, tooBig } = chart
  const x = speedScale(points.map((point) => point.speed))
  const y = scoreScale(points.map((point) => point.score))
  const edge = points.filter((point) => point.edge).toSorted((a, b) => a.speed - b.speed)
  const compared = chosen.flatMap((id) => points.find(({ item }) => item.model.id === id) ?? [])
  const choose = (id: string) => setChosen(chosen.includes(id) ? chosen.filter((other) => other !== id) : [...chosen.slice(-1), id])
  const need = items[0]?.needs.decode ?? useNeeds[use].decode
  const needAt = x.at(need)
  return (
    <figure className="chart" data-testid="chart">
      <figcaption className="t2 f12">
        {words.caption({ test })} {tooBig > 0 && words.tooBig({ count: tooBig })}
      </figcaption>
      <div className="plot" role="group" aria-label={words.title}>
        <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
          {y.ticks.map((tick) => (
            <line key={tick} className="grid" x1="0" x2="100" y1={100 - y.at(tick) * 100} y2={100 - y.at(tick) * 100} />
          ))}
          {needAt > 0 && needAt < 1 && <line className="need" x1={needAt * 100} x2={needAt * 100} y1="0" y2="100" />}
          <polyline
            className="edge"
            points={edge.map((point) => `${x.at(point.speed) * 100},${100 - y.at(point.score) * 100}`).join(' ')}
          />
        </svg>
        {y.ticks.map((tick) => (
          <span key={tick} className="tick y t3 f11" style={{ bottom: place(y.at(tick)) }} aria-hidden="true">
            {tick}
          </span>
        ))}
        {x.ticks.map((tick) => (
          <span key={tick} className="tick x t3 f11" style={{ left: place(x.at(tick)) }} aria-hidden="true">
            {speed(tick)}
          </span>
        ))}
        {points.map((point) => (
          <Dot
            key={point.item.model.id}
            point={point}
            test={test}
            x={x.at(point.speed)}
            y={y.at(point.score)}
            chosen={chosen}
            onChoose={choose}
          />
        ))}
      </div>
      <p className="t3 f11 axis">{words.axis({ need: speed(need), use: discover.use[use] })}</p>
      {compared.length === 2 ? <Compared points={compared} test={test} /> : <p className="t2 f12">{words.hint}</p>}
      {notRated.length > 0 && (
        <p className="t2 f12" data-testid="not-rated">
          {words.notRated} {notRated.map(({ model, best }) => `${model.name} (${range(best.fit.speed.decode)})`).join(' · ')}
        </p>
      )}
      <Table points={points} test={test} />
    </figure>
  )
}

interface DotProps {
  point: ChartPoint
  test: string
  x: number
  y: number
  chosen: readonly string[]
  onChoose: (id: string) => void
}

function Dot({ point: { item, score, edge }, test, x, y, chosen, onChoose }: DotProps) {
  const { discover } = useMessages()
  const { model, best } = item
  const words = discover.chart.dot({
    name: `${model.name} ${best.quantization}`,
    score: String(score),
    test,
    speed: range(best.fit.speed.decode),
    edge,
  })
  return (
    <button
      type="button"
      className={edge ? 'chart-dot on-edge' : 'chart-dot'}
      style={{ left: place(x), bottom: place(y) }}
      aria-pressed={chosen.includes(model.id)}
      aria-label={words}
      title={words}
      data-model={model.id}
      onClick={() => onChoose(model.id)}
    >
      <i />
      {edge && <span className={x > 0.8 ? 'dot-name before' : 'dot-name'}>{model.name}</span>}
    </button>
  )
}

/** Two dots side by side, with the same figures as their rows. */
function Compared({ points, test }: { points: readonly ChartPoint[]; test: string }) {
  const { discover } = useMessages()
  const where = useWhere()
  const rows: [string, (point: ChartPoint) => string][] = [
    [test, ({ score, date }) => `${score} (${date})`],
    [discover.chart.speed, ({ item }) => range(item.best.fit.speed.decode)],
    [discover.column.takes, ({ item }) => `${gib(item.best.fit.totalBytes)} GiB`],
    [discover.column.outcome, ({ item }) => where(item.best.fit)],
    [discover.column.download, ({ item }) => size(item.best.sizeBytes)],
  ]
  return (
    <table className="compared f12" data-testid="compared" aria-live="polite">
      <thead>
        <tr>
          <th scope="col">{discover.column.model}</th>
          {points.map(({ item }) => (
            <th key={item.model.id} scope="col">
              {item.model.name} <span className="t3 mono">{item.best.quantization}</span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(([label, text]) => (
          <tr key={label}>
            <th scope="row">{label}</th>
            {points.map((point) => (
              <td key={point.item.model.id} className="num">
                {text(point)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** The same for who does not see it. */
function Table({ points, test }: { points: readonly ChartPoint[]; test: string }) {
  const { discover } = useMessages()
  return (
    <table className="vh">
      <caption>{discover.chart.title}</caption>
      <thead>
        <tr>
          <th scope="col">{discover.column.model}</th>
          <th scope="col">{test}</th>
          <th scope="col">{discover.chart.speed}</th>
          <th scope="col">{discover.chart.edge}</th>
        </tr>
      </thead>
      <tbody>
        {points
          .toSorted((a, b) => b.score - a.score)
          .map(({ item, score, edge }) => (
            <tr key={item.model.id}>
              <th scope="row">{item.model.name}</th>
              <td>{score}</td>
              <td>{range(item.best.fit.speed.decode)}</td>
              <td>{edge ? discover.chart.onEdge : ''}</td>
            </tr>
          ))}
      </tbody>
    </table>
  )
}
