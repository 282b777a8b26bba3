import type { StagePartKind } from '@shared/domain/training'
import { formatBytesRange } from '@shared/domain/format'
import { useLanguage, useMessages } from '../../lib/i18n'
import type { Device } from './devices'
import type { StagePlan } from './plan'

export const partClass: Record<StagePartKind, string> = {
  parameters: 'w',
  gradients: 'gr',
  optimizer: 'op',
  intermediate: 'k',
  kernels: 'c',
}

/** Above this a box is too narrow to be seen as one. */
const mostBoxes = 64

/** One stage over the rack that all stages share: solid to the lower end, fading to the upper. */
export function StageRow({
  plan,
  rack,
  device,
  selected,
  onSelect,
}: {
  plan: StagePlan
  /** Devices drawn: what the largest stage needs at most. */
  rack: number
  device: Device
  selected: boolean
  onSelect: () => void
}) {
  const { planner } = useMessages()
  const language = useLanguage()
  const [few, many] = plan.devices
  const bytes = formatBytesRange(plan.bytes, language)
  const share = (amount: number) => Math.max(0, (amount / (rack * device.usableBytes)) * 100)
  const [low, high] = plan.bytes
  const name = planner.stage[plan.stage]
  const devices = planner.devices({ range: few === many ? String(few) : `${few}–${many}`, one: many === 1 })
  const multiple = (end: number) => (plan.modelBytes > 0 ? Number((end / plan.modelBytes).toFixed(1)).toString() : '')
  // The first parts keep their true width; what does not fit the rack is cut at its end.
  const widths = plan.parts.map(({ bytes: part }) => share(part[0]))
  const before = (place: number) => widths.slice(0, place).reduce((sum, width) => sum + width, 0)
  const cut = (place: number, width: number) => `${Math.max(0, Math.min(width, 100 - before(place))).toFixed(2)}%`
  return (
    <button type="button" className="stage" aria-pressed={selected} onClick={onSelect} data-testid={`stage-${plan.stage}`}>
      <span className="col stage-name">
        <b className="m">{name}</b>
        <span className="t3 f11">{planner.times({ low: multiple(low), high: multiple(high) })}</span>
      </span>
      <span className="rack" role="img" aria-label={planner.stageSentence({ stage: name, bytes, devices })}>
        <span className={rack > 24 ? 'boxes many' : 'boxes'}>
          {Array.from({ length: rack <= mostBoxes ? rack : 1 }, (_, place) => (
            // A box is its place in the rack.
            <i key={place} />
          ))}
        </span>
        <span className="fill">
          {plan.parts.map(({ kind }, place) => (
            <i key={kind} className={partClass[kind]} style={{ width: cut(place, widths[place] ?? 0) }} />
          ))}
          <i className="fade" style={{ width: cut(widths.length, share(high - low)) }} />
        </span>
      </span>
      <span className="col num stage-devices">
        <b>{devices}</b>
        <span className="t3 f11">{bytes}</span>
      </span>
    </button>
  )
}
