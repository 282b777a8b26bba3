import { gib } from '../lib/format'
import { useMessages } from '../lib/i18n'
import { engineLive, machineLive, settingsLive, useLive } from '../lib/live'
import { MemoryBar, livePools } from '../ui'

/** VRAM and RAM as they are now, in the sidebar on every page. */
export function LiveBars() {
  const { common } = useMessages()
  const report = useLive(machineLive)
  const engine = useLive(engineLive)
  const limits = useLive(settingsLive)
  const parts = engine?.state === 'ready' ? engine.parts : []
  if (report === undefined) return null
  return livePools(report, parts, limits).map((pool) => {
    const used = gib(pool.totalBytes - pool.freeBytes)
    const total = gib(pool.totalBytes)
    const ram = pool.devices.includes('cpu')
    const sentence = common.memoryPool({ used, total, device: ram ? common.ram : pool.name })
    return (
      <span key={pool.id} className="live-row" title={sentence}>
        <span>{ram ? common.ram : common.vram}</span>
        {/* Without anything of ours the bar says this sentence by itself. */}
        <MemoryBar pools={[pool]} parts={parts} name={pool.takesBytes > 0 ? sentence : undefined} />
        <span>{common.ofTotal({ used, total })}</span>
      </span>
    )
  })
}
