import type { Recommendation } from '@shared/domain/recommend'
import { gib } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { MemoryBar, MemoryLegend, OutcomePill, poolName, useWhere } from '../../ui'
import { Arithmetic } from './Arithmetic'
import { offerOf } from './matching'
import { Obtain } from './Obtain'
import { reasonSentence } from './reason'
import { useSimulation } from './simulation'

/** The one recommendation: a sentence, a tall bar, a button. */
export function Hero({ item }: { item: Recommendation }) {
  const messages = useMessages()
  const { discover, common } = messages
  const where = useWhere()
  const { best, model } = item
  const use = discover.use[item.use]
  const simulation = useSimulation()
  const bestFor = simulation === null ? discover.bestFor({ use }) : discover.bestForSimulated({ use, name: simulation.name })
  return (
    <section className="card hero" aria-label={bestFor} data-testid="recommendation">
      <div>
        <div className="row wrap f12 t2">
          {item.usable
            ? bestFor
            : simulation === null
              ? discover.nearestFor({ use })
              : discover.nearestForSimulated({ use, name: simulation.name })}
          <OutcomePill grade={best.grade} verdict={best.verdict} />
          <span>{where(best.fit)}</span>
        </div>
        <h2 className="say">
          {model.name} <span className="t2">{discover.at({ quantization: best.quantization })}</span>
        </h2>
        <p className="because sel">{reasonSentence(item.reason, messages)}</p>
        <div className="row wrap acts">
          <Obtain offer={offerOf(item, best, simulation?.here.get(model.id))} large />
          <Arithmetic
            name={model.name}
            quantization={best.quantization}
            fit={best.fit}
            licence={model.licence.name}
            rating={item.capability}
            className="btn quiet l"
          >
            {discover.why}
          </Arithmetic>
        </div>
      </div>
      <div className="hero-bar">
        <div className="ends" data-tanks={best.fit.pools.length}>
          {best.fit.pools.map((pool) => (
            <span key={pool.id}>
              <b className="m ell">{poolName(pool, common.ram)}</b>
              <span className="t2">
                {pool.nowBytes === undefined
                  ? common.freeShort({ free: gib(pool.freeBytes + pool.returnedBytes) })
                  : common.usualShort({ usual: gib(pool.freeBytes + pool.returnedBytes), now: gib(pool.nowBytes + pool.returnedBytes) })}
              </span>
            </span>
          ))}
        </div>
        <MemoryBar pools={best.fit.pools} parts={best.fit.parts} verdict={best.verdict} size="l" name={model.name} />
        <MemoryLegend parts={best.fit.parts} reserveBytes={best.fit.pools.reduce((sum, pool) => sum + pool.reserveBytes, 0)} />
      </div>
    </section>
  )
}
