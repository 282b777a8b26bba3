import type { Download, LibraryModel } from '@shared/domain/library'
import { size } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { machineLive, useLive } from '../../lib/live'
import { diskParts } from './diskParts'

/** The disk of the models folder: what models take, what downloads still need, what is free. */
export function DiskCard({ models, downloads }: { models: readonly LibraryModel[]; downloads: readonly Download[] }) {
  const { library } = useMessages()
  const disk = useLive(machineLive)?.disk ?? null
  if (disk === null) return null
  const parts = diskParts(disk, models, downloads)
  const width = (bytes: number) => ({ width: `${((bytes / Math.max(1, disk.total)) * 100).toFixed(2)}%` })
  const rows = [
    { key: 'other', mark: 'o', bytes: parts.other, name: library.diskOther },
    { key: 'models', mark: 'w', bytes: parts.models, name: library.diskModels },
    { key: 'unfinished', mark: 'ours', bytes: parts.unfinished, name: library.diskUnfinished },
    { key: 'reserved', mark: 'r', bytes: parts.reserved, name: library.diskReserved },
  ].filter(({ bytes }) => bytes > 0)
  const free = library.diskFree({ free: size(disk.free), total: size(disk.total) })
  return (
    <section className="section" aria-label={library.disk}>
      <h2 className="h2">
        {library.disk} <span className="t3 sel">{disk.path}</span>
        <span className="t2 end f12">{free}</span>
      </h2>
      <div className="card disk">
        <span className="meter" role="img" aria-label={`${library.disk}: ${free}`}>
          <span className="tank">
            {rows.map(({ key, mark, bytes }) => (
              <i key={key} className={mark} style={width(bytes)} />
            ))}
          </span>
        </span>
        <span className="legend">
          {rows.map(({ key, mark, bytes, name }) => (
            <span key={key}>
              <i className={`sq ${mark}`} />
              {name} <b>{size(bytes)}</b>
            </span>
          ))}
          <span>
            <i className="sq free" />
            {library.diskSpace} <b>{size(Math.max(0, disk.free - parts.reserved))}</b>
          </span>
        </span>
      </div>
    </section>
  )
}
