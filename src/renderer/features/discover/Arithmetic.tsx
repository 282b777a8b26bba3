import type { CapabilityScore } from '@shared/domain/catalog'
import type { FitReport } from '@shared/domain/fit'
import { formatWait } from '@shared/domain/format'
import { memoryGroups, sumByGroup } from '@shared/domain/memoryGroups'
import type { ReactNode } from 'react'
import { count, gib, percent, seconds, size } from '../../lib/format'
import { useLanguage, useMessages } from '../../lib/i18n'
import { settingsLive, useLive } from '../../lib/live'
import { Rating } from './Rating'
import { useSimulation } from './simulation'
import { Note, Popover } from '../../ui'

const mark = { weights: 'w', kv: 'k', compute: 'c', overhead: 'h' } as const

interface ArithmeticProps {
  name: string
  quantization: string
  fit: FitReport
  licence?: string | null
  /** null: not rated. */
  rating?: CapabilityScore | null
  notes?: readonly string[]
  /** A test of this file on this machine. */
  test?: ReactNode
  children: ReactNode
  className?: string
}

/** The sum behind a total, on a click: every part, what is free, what is kept free, and how sure it is. */
export function Arithmetic({ name, quantization, fit, licence, rating, notes = [], test, children, className = 'total' }: ArithmeticProps) {
  const { discover, common } = useMessages()
  const language = useLanguage()
  const words = discover.sums
  const total = gib(fit.totalBytes, true)
  const sums = sumByGroup(fit.parts)
  const names = { weights: common.weights, kv: common.kvCache, compute: common.compute, overhead: common.overhead }
  const says = {
    weights: words.weights({ quantization }),
    kv: words.kv({ context: count(fit.plan.contextSize), type: fit.plan.kvCacheType }),
    compute: words.compute,
    overhead: words.overhead,
  }
  const ttft = fit.speed.ttftMs
  const simulation = useSimulation()
  const settings = useLive(settingsLive)
  return (
    <Popover
      label={words.title({ total })}
      align="end"
      trigger={
        <button type="button" className={className} aria-label={words.open({ name, total })}>
          {children}
        </button>
      }
    >
      <div className="sums">
        <h3>
          <span className="grow">{words.title({ total })}</span>
          {simulation !== null && <span className="tag acc">{discover.simulatedTag}</span>}
          <span className="tag" title={common.levelHint[fit.level]}>
            {common.level[fit.level]}
          </span>
        </h3>
        <dl>
          {memoryGroups
            .filter((group) => sums[group] > 0)
            .map((group) => (
              <div key={group}>
                <dt>
                  <i className={`sq ${mark[group]}`} />
                  {names[group]}
                </dt>
                <dd className="f">{says[group]}</dd>
                <dd className="num">{gib(sums[group], true)}</dd>
              </div>
            ))}
          <div className="tot">
            <dt className="m">
              <i className="sq line" />
              {words.total}
            </dt>
            <dd className="f">GiB</dd>
            <dd className="num m">{total}</dd>
          </div>
          {fit.pools.map((pool) => (
            <div key={pool.id}>
              <dt>
                <i className="sq free" />
                {pool.id === 'cpu' ? common.ram : common.vram}
              </dt>
              <dd className="f">
                {pool.nowBytes !== undefined
                  ? common.usualShort({ usual: gib(pool.freeBytes + pool.returnedBytes), now: gib(pool.nowBytes + pool.returnedBytes) })
                  : pool.id === 'cpu'
                    ? common.freeShort({ free: gib(pool.freeBytes + pool.returnedBytes) })
                    : words.free({ device: pool.name, free: gib(pool.freeBytes + pool.returnedBytes) })}
              </dd>
              <dd className={pool.spareBytes < 0 ? 'num bad' : 'num'}>
                {pool.spareBytes < 0 ? words.missing({ missing: gib(-pool.spareBytes) }) : words.spare({ spare: gib(pool.spareBytes) })}
              </dd>
            </div>
          ))}
          {fit.pools.map(
            (pool) =>
              pool.limit !== null && (
                <div key={`${pool.id} limit`} data-limit={pool.limit.name}>
                  <dt>
                    <i className="sq lim" />
                    {common.limitName[pool.limit.name]} {pool.limit.name === 'user' && <span className="tag acc">{common.yours}</span>}
                  </dt>
                  <dd className="f">{pool.limit.name === 'user' ? pool.name : common.limitHint[pool.limit.name]}</dd>
                  <dd className="num">{gib(pool.limit.bytes, true)}</dd>
                </div>
              ),
          )}
          <div>
            <dt>
              <i className="sq r" />
              {common.reserve}
              {simulation === null && settings?.reserveBytes != null && <span className="tag acc">{common.yours}</span>}
            </dt>
            <dd className="f">{words.margin}</dd>
            <dd className="num">
              {gib(
                fit.pools.reduce((sum, pool) => sum + pool.reserveBytes, 0),
                true,
              )}
            </dd>
          </div>
        </dl>
        <Note>
          {fit.maxContext > 0 && <p>{words.maxContext({ tokens: count(fit.maxContext) })}</p>}
          {fit.freeUpBytes !== null && (
            <p>{(fit.verdict === 'too-big' ? words.freeUp : words.onceFreed)({ bytes: gib(fit.freeUpBytes) })}</p>
          )}
          {fit.usuallyMissingBytes !== undefined && <p>{words.onlyNow({ bytes: gib(fit.usuallyMissingBytes) })}</p>}
          {fit.learned !== undefined && (
            <p>
              {words.learned({ count: fit.learned.loads, added: fit.learned.addedBytes === 0 ? null : size(fit.learned.addedBytes) })}
              {fit.learned.buffersOff !== null && ` ${words.buffers({ off: percent(fit.learned.buffersOff) })}`}
            </p>
          )}
          {fit.loadMs !== undefined && fit.verdict !== 'too-big' && <p>{words.loading({ time: formatWait(fit.loadMs, language) })}</p>}
          {fit.verdict !== 'too-big' && (
            <p>
              {words.firstToken({
                seconds: ttft[0] === ttft[1] ? seconds(ttft[0]) : `${seconds(ttft[0])}–${seconds(ttft[1])}`,
                source:
                  fit.speed.learnedFrom === undefined
                    ? discover.speedSource[fit.speed.source]
                    : discover.learnedFrom({ source: discover.speedSource[fit.speed.source], count: fit.speed.learnedFrom }),
              })}
            </p>
          )}
          {rating !== undefined && <Rating score={rating} />}
          {licence !== undefined && licence !== null && <p>{words.facts({ licence })}</p>}
          {notes.map((note) => (
            <p key={note}>{note}</p>
          ))}
        </Note>
        {test}
      </div>
    </Popover>
  )
}
