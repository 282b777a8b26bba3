import type { PoolFit } from '@shared/domain/poolFit'
import type { Gpu, HardwareReport } from '@shared/domain/hardware'
import { Cpu, HardDrive, MemoryStick, Zap } from 'lucide-react'
import type { ReactNode } from 'react'
import { count, gib, size } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { engineLive, settingsLive, useLive } from '../../lib/live'
import { useCurrentModel } from '../../lib/models'
import { MemoryBar, MemoryLegend, Note, livePools, poolOfGpu } from '../../ui'

/** Every memory of the machine as a bar: what a loaded model takes, what other programs hold, what is free. */
export function Devices({ report }: { report: HardwareReport }) {
  const { machine } = useMessages()
  const engine = useLive(engineLive)
  const limits = useLive(settingsLive)
  const parts = engine?.state === 'ready' ? engine.parts : []
  const { model } = useCurrentModel()
  const pools = livePools(report, parts, limits)
  const ram = pools.find((pool) => pool.devices.includes('cpu'))
  const name = engine?.state === 'ready' ? model?.name : undefined
  return (
    <section className="card flush" aria-label={machine.devices}>
      {report.gpus.length === 0 && (
        <div className="device">
          <Note>{machine.noGpu}</Note>
        </div>
      )}
      {report.gpus.map((gpu) => (
        <GpuCard key={gpu.id} gpu={gpu} pool={poolOfGpu(report, pools, gpu)} parts={parts} name={name} />
      ))}
      {ram !== undefined && (
        <Device
          icon={<MemoryStick className="i" aria-hidden="true" />}
          title={machine.memory}
          pool={ram}
          hint={report.unifiedMemory ? machine.unified : null}
        >
          <MemoryBar pools={[ram]} parts={parts} size="l" label={ram.takesBytes > 0.1 * ram.totalBytes ? name : undefined} />
          <MemoryLegend parts={parts.filter(({ device }) => ram.devices.includes(device))} reserveBytes={ram.reserveBytes} />
          <Facts
            facts={[
              report.cpu.bandwidth === null
                ? null
                : {
                    text: machine.bandwidth({ speed: count(report.cpu.bandwidth.bytesPerSecond / 1e9) }),
                    title: machine.bandwidthSource({ source: report.cpu.bandwidth.source }),
                  },
            ]}
          />
        </Device>
      )}
      <div className="device two">
        <div className="col">
          <h2 className="row device-title">
            <Zap className="i" aria-hidden="true" />
            <span className="ell sel">{report.cpu.name}</span>
          </h2>
          <Facts
            facts={[
              { text: machine.cores({ physical: report.cpu.physicalCores, logical: report.cpu.logicalCores }) },
              { text: machine.usable({ cores: report.cpu.usableCores }) },
              report.cpu.features.length > 0 ? { text: report.cpu.features.join(' ') } : null,
            ]}
          />
        </div>
        {report.disk !== null && <DiskBar disk={report.disk} />}
      </div>
    </section>
  )
}

function GpuCard({
  gpu,
  pool,
  parts,
  name,
}: {
  gpu: Gpu
  pool: PoolFit | undefined
  parts: Parameters<typeof MemoryBar>[0]['parts']
  name: string | undefined
}) {
  const { machine } = useMessages()
  const facts = [
    { text: machine.kind[gpu.kind] },
    gpu.bandwidth === null
      ? null
      : {
          text: machine.bandwidth({ speed: count(gpu.bandwidth.bytesPerSecond / 1e9) }),
          title: machine.bandwidthSource({ source: gpu.bandwidth.source }),
        },
    gpu.driver === null ? null : { text: machine.driver({ version: gpu.driver }) },
    gpu.backends.length > 0 ? { text: gpu.backends.map((backend) => machine.backend[backend]).join(', ') } : null,
  ]
  if (pool === undefined) {
    return (
      <div className="device">
        <h2 className="row device-title">
          <Cpu className="i" aria-hidden="true" />
          <span className="ell sel">{gpu.name}</span>
          {gpu.vramTotal !== null && !gpu.sharedWithRam && <span className="t2 end">{size(gpu.vramTotal)}</span>}
        </h2>
        <Facts facts={facts} />
        {gpu.vramTotal === null && gpu.kind !== 'software' && <span className="t3 f12">{machine.unknownMemory}</span>}
      </div>
    )
  }
  return (
    <Device icon={<Cpu className="i" aria-hidden="true" />} title={gpu.name} pool={pool} hint={null}>
      <MemoryBar pools={[pool]} parts={parts} size="l" label={pool.takesBytes > 0.1 * pool.totalBytes ? name : undefined} />
      <MemoryLegend parts={parts.filter(({ device }) => pool.devices.includes(device))} reserveBytes={pool.reserveBytes} />
      <Facts facts={facts} />
    </Device>
  )
}

function Device({
  icon,
  title,
  pool,
  hint,
  children,
}: {
  icon: ReactNode
  title: string
  pool: PoolFit
  hint: string | null
  children: ReactNode
}) {
  const { common } = useMessages()
  return (
    <div className="device">
      <h2 className="row device-title">
        {icon}
        <span className="ell sel">{title}</span>
        {hint !== null && <span className="t3 f12 reg">{hint}</span>}
        <span className="end t2">{common.freeOf({ free: gib(pool.freeBytes), total: gib(pool.totalBytes) })}</span>
      </h2>
      {children}
    </div>
  )
}

function Facts({ facts }: { facts: readonly ({ text: string; title?: string } | null)[] }) {
  const shown = facts.filter((fact) => fact !== null)
  if (shown.length === 0) return null
  return (
    <p className="facts t2 f12 sel">
      {shown.map(({ text, title }) => (
        <span key={text} title={title}>
          {text}
        </span>
      ))}
    </p>
  )
}

function DiskBar({ disk }: { disk: NonNullable<HardwareReport['disk']> }) {
  const { machine, library } = useMessages()
  const free = library.diskFree({ free: size(disk.free), total: size(disk.total) })
  return (
    <div className="col">
      <h2 className="row device-title">
        <HardDrive className="i" aria-hidden="true" />
        <span className="ell">{machine.disk}</span>
      </h2>
      <span className="meter" role="img" aria-label={`${machine.disk}: ${free}`}>
        <span className="tank">
          <i className="o" style={{ width: `${((1 - disk.free / Math.max(1, disk.total)) * 100).toFixed(2)}%` }} />
        </span>
      </span>
      <span className="t2 f12">{free}</span>
      <span className="t3 f12 sel break">{disk.path}</span>
    </div>
  )
}
