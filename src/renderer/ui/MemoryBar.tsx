import type { Verdict } from '@shared/domain/fit'
import type { PoolFit } from '@shared/domain/poolFit'
import type { MemoryPart } from '@shared/domain/memory'
import { memoryGroups, sumByGroup } from '@shared/domain/memoryGroups'
import { gib } from '../lib/format'
import { useMessages } from '../lib/i18n'
import { type Tank, tankOf } from './memoryBar'

const segmentClass = { weights: 'w', kv: 'k', compute: 'c', overhead: 'h' } as const
/** Below this share of a tank a name would be cut. */
const labelNeeds = 0.15
const width = (fraction: number) => ({ width: `${(fraction * 100).toFixed(2)}%` })

/** A GPU beside RAM is drawn at 3 : 2; two GPUs share their width equally. */
function tankFlex(index: number, tanks: number): number {
  return tanks === 1 ? 1 : index === tanks - 1 ? 2 : 3 / (tanks - 1)
}

function TankView({ tank, flex = 1, label }: { tank: Tank; flex?: number; label?: string }) {
  return (
    <span className={tank.over > 0 ? 'tank over' : 'tank'} style={{ flex }}>
      {tank.segments.map(({ group, fraction }, index) => (
        <i key={group} className={segmentClass[group]} style={width(fraction)}>
          {index === 0 && label !== undefined && fraction > labelNeeds && <span className="tank-label">{label}</span>}
        </i>
      ))}
      {tank.over > 0 && <i className="x" style={width(tank.over)} />}
      {tank.over === 0 && tank.other > 0.004 && <i className="o end" style={width(tank.other)} />}
      {tank.over === 0 && tank.held > 0.004 && (
        <i className="held" style={{ ...width(tank.held), right: `${(tank.other * 100).toFixed(2)}%` }} />
      )}
      {tank.reserve.width > 0 && (
        <i className="r" style={{ ...width(tank.reserve.width), left: `${(tank.reserve.from * 100).toFixed(2)}%` }} />
      )}
      {tank.limit !== null && (
        <span className="lim" data-limit={tank.limit.name} style={{ left: `${(tank.limit.at * 100).toFixed(2)}%` }} />
      )}
      <span className="cap" style={{ left: `${(tank.line * 100).toFixed(2)}%` }} />
    </span>
  )
}

/** Under a tall bar the marks have their names; in a row the sum has them. */
function LimitLabels({ tanks }: { tanks: readonly Tank[] }) {
  const { common } = useMessages()
  return (
    <span className="lim-labels" aria-hidden="true">
      {tanks.map((tank, index) => (
        <span key={tank.id} style={{ flex: tankFlex(index, tanks.length) }}>
          {tank.limit !== null && (
            <span
              className={tank.limit.at < 0.5 ? 'lim-label' : 'lim-label before'}
              style={
                tank.limit.at < 0.5
                  ? { left: `${(tank.limit.at * 100).toFixed(2)}%` }
                  : { right: `${((1 - tank.limit.at) * 100).toFixed(2)}%` }
              }
              title={`${common.limitName[tank.limit.name]}: ${common.limitHint[tank.limit.name]}`}
            >
              {common.limitMark({ name: common.limit[tank.limit.name], bytes: gib(tank.limit.bytes) })}
            </span>
          )}
        </span>
      ))}
    </span>
  )
}

interface BarProps {
  pools: readonly PoolFit[]
  parts: readonly MemoryPart[]
  verdict?: Verdict
  size?: 's' | 'm' | 'l'
  label?: string
  /** What the whole is about, before the sentence. */
  name?: string
}

/** The one picture for memory: a tank per pool, GPUs first, each drawn to its own capacity. */
export function MemoryBar({ pools, parts, verdict, size = 'm', label, name }: BarProps) {
  const sentence = useMemorySentence(pools, parts, verdict)
  const tanks = pools.map((pool) => tankOf(pool, parts))
  const bar = (
    <span
      className={size === 'm' ? 'meter' : `meter ${size}`}
      role="img"
      aria-label={name === undefined ? sentence : `${name}: ${sentence}`}
    >
      {tanks.map((tank, index) => (
        <TankView key={tank.id} tank={tank} flex={tankFlex(index, tanks.length)} label={index === 0 ? label : undefined} />
      ))}
    </span>
  )
  if (size !== 'l' || tanks.every((tank) => tank.limit === null)) return bar
  return (
    <span className="meter-box">
      {bar}
      <LimitLabels tanks={tanks} />
    </span>
  )
}

/** RAM has a word, a graphics card its name. */
export function poolName(pool: Pick<PoolFit, 'id' | 'name'>, ram: string): string {
  return pool.id === 'cpu' ? ram : pool.name
}

/** "10.3 of 11.0 GiB free on RTX 4070, all on GPU". */
function useMemorySentence(pools: readonly PoolFit[], parts: readonly MemoryPart[], verdict?: Verdict): string {
  const { common } = useMessages()
  const words = pools
    .map((pool) => {
      const sums = sumByGroup(parts, pool.devices)
      const takes = memoryGroups.reduce((sum, group) => sum + sums[group], 0)
      if (pool.spareBytes < 0 && takes > 0) return common.memoryOver({ missing: gib(-pool.spareBytes), device: poolName(pool, common.ram) })
      return takes > 0
        ? common.memoryPart({ takes: gib(takes), free: gib(pool.freeBytes + pool.returnedBytes), device: poolName(pool, common.ram) })
        : null
    })
    .filter((text) => text !== null)
  // Nothing of ours lies there: then how full it is.
  if (words.length === 0)
    for (const pool of pools)
      words.push(
        common.memoryPool({
          used: gib(pool.totalBytes - pool.freeBytes),
          total: gib(pool.totalBytes),
          device: poolName(pool, common.ram),
        }),
      )
  for (const { limit, totalBytes } of pools)
    if (limit !== null && limit.bytes < totalBytes) words.push(common.limitSentence({ bytes: gib(limit.bytes) }))
  if (verdict !== undefined) {
    words.push(
      { 'full-gpu': common.allOnGpu, 'partial-gpu': common.partlyOnGpu, cpu: common.cpuOnly, 'too-big': common.willNotRun }[verdict],
    )
  }
  return words.join(common.listSeparator)
}

/** Values stand here, never inside the bar. */
export function MemoryLegend({
  parts,
  reserveBytes,
  other = true,
}: {
  parts: readonly MemoryPart[]
  reserveBytes?: number
  other?: boolean
}) {
  const { common } = useMessages()
  const sums = sumByGroup(parts)
  const names = { weights: common.weights, kv: common.kvCache, compute: common.compute, overhead: common.overhead }
  return (
    <span className="legend">
      {memoryGroups
        .filter((group) => sums[group] > 0)
        .map((group) => (
          <span key={group}>
            <i className={`sq ${segmentClass[group]}`} />
            {names[group]} <b>{gib(sums[group], true)}</b>
          </span>
        ))}
      {reserveBytes !== undefined && reserveBytes > 0 && (
        <span>
          <i className="sq r" />
          {common.reserve} <b>{gib(reserveBytes, true)}</b>
        </span>
      )}
      {other && (
        <span>
          <i className="sq o" />
          {common.otherPrograms}
        </span>
      )}
      <span>
        <i className="sq line" />
        {common.capacityLine}
      </span>
    </span>
  )
}
