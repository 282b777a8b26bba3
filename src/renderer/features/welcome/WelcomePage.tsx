import { nothingUsable } from '@shared/domain/nothingUsable'
import { useQuery } from '@tanstack/react-query'
import { useLocation } from 'wouter'
import { client } from '../../lib/client'
import { gib, range, size } from '../../lib/format'
import { useLanguage, useMessages } from '../../lib/i18n'
import { libraryLive, machineLive, settingsLive, useLive } from '../../lib/live'
import { useChatWith } from '../../lib/useChatWith'
import { Button, ErrorNotice, MemoryBar, MemoryLegend, OutcomePill, Segmented, livePools, useWhere } from '../../ui'
import { Obtain, nothingSentences, offerOf } from '../discover'
import { Devices, Engines, SpeedOffer } from '../machine'
import { FoundOnDisk } from './FoundOnDisk'
import './welcome.css'

/** First run: what this machine is as one bar, and three large choices. */
export function WelcomePage() {
  const { welcome, common } = useMessages()
  const language = useLanguage()
  const [, go] = useLocation()
  const report = useLive(machineLive)
  return (
    <main className="welcome" data-testid="welcome">
      <header className="row">
        <b>{common.appName}</b>
        <span className="grow" />
        <Segmented
          label={common.settings}
          value={language}
          options={[
            { value: 'en', label: <span lang="en">English</span> },
            { value: 'zh-CN', label: <span lang="zh-CN">简体中文</span> },
          ]}
          onChange={(next) => void client.app.setSettings({ language: next })}
        />
        <Button kind="quiet" onClick={() => go('/chat')}>
          {welcome.later}
        </Button>
      </header>
      <section className="stack">
        <div>
          <h1>{welcome.title}</h1>
          <p className="lead">{report === undefined ? welcome.looking : <Sentence />}</p>
        </div>
        <MachineBar />
      </section>
      <section className="choices" aria-label={welcome.choices}>
        <BestChoice />
        <StarterChoice />
        <FoundOnDisk />
      </section>
      <SpeedOffer />
      <p className="t3 f12">{welcome.nothingYet}</p>
      {report !== undefined && (
        <details className="more">
          <summary>{welcome.details}</summary>
          <div className="stack">
            <Devices report={report} />
            <Engines report={report} />
          </div>
        </details>
      )}
    </main>
  )
}

function Sentence() {
  const { welcome } = useMessages()
  const report = useLive(machineLive)
  if (report === undefined) return null
  const ram = gib(report.ram.total)
  const gpu = report.gpus.find(({ kind, vramTotal }) => kind !== 'software' && vramTotal !== null)
  if (gpu === undefined || gpu.vramTotal === null) return welcome.machineCpu({ cpu: report.cpu.name, cores: report.cpu.physicalCores, ram })
  return gpu.sharedWithRam
    ? welcome.machineUnified({ gpu: gpu.name, ram })
    : welcome.machineWithGpu({ gpu: gpu.name, vram: gib(gpu.vramTotal), ram })
}

function useBest() {
  return useQuery({ queryKey: ['welcome.recommend'], queryFn: () => client.discover.recommend({ use: 'chat' }), staleTime: 60_000 })
}

/** The machine with the best model in it; alone until one is found. */
function MachineBar() {
  const { common } = useMessages()
  const report = useLive(machineLive)
  const limits = useLive(settingsLive)
  const [best] = useBest().data ?? []
  const fit = best?.usable ? best.best.fit : null
  const pools = fit?.pools ?? (report === undefined ? [] : livePools(report, [], limits))
  const parts = fit?.parts ?? []
  // The bar's place is kept, so that nothing moves when the numbers come.
  if (pools.length === 0) {
    return (
      <div className="machine-bar waiting" aria-hidden="true">
        <span className="meter l">
          <span className="tank" />
        </span>
      </div>
    )
  }
  return (
    <div className="machine-bar">
      <div className="ends" data-tanks={pools.length}>
        {pools.map((pool) => (
          <span key={pool.id}>
            <b className="m ell">{pool.id === 'cpu' ? common.ram : pool.name}</b>
            <span className="t2">{common.freeOf({ free: gib(pool.freeBytes + pool.returnedBytes), total: gib(pool.totalBytes) })}</span>
          </span>
        ))}
      </div>
      <MemoryBar pools={pools} parts={parts} size="l" label={fit === null ? undefined : best?.model.name} name={best?.model.name} />
      <MemoryLegend parts={parts} reserveBytes={fit?.pools.reduce((sum, pool) => sum + pool.reserveBytes, 0)} />
    </div>
  )
}

function BestChoice() {
  const messages = useMessages()
  const { welcome } = messages
  const [, go] = useLocation()
  const where = useWhere()
  const query = useBest()
  const best = query.data?.find((item) => item.best.verdict !== 'too-big' && !item.model.demonstration)
  const nothing = query.data === undefined ? null : nothingUsable(query.data)
  return (
    <article className="choice" data-testid="choice-best">
      <h2>{welcome.best}</h2>
      {query.isPending && <p className="t2">{welcome.finding}</p>}
      {query.error !== null && <ErrorNotice error={query.error} />}
      {query.data !== undefined && best === undefined && (
        <p className="t2">{nothing === null ? welcome.bestNone : nothingSentences(nothing, messages).join(' ')}</p>
      )}
      {best !== undefined && (
        <>
          <p className="choice-name">
            {best.model.name} <span className="t2 mono">{best.best.quantization}</span>
          </p>
          <p className="row wrap">
            <OutcomePill grade={best.best.grade} verdict={best.best.verdict} />
            <span className="t2 f12">{where(best.best.fit)}</span>
          </p>
          <p className="t2">{welcome.bestFacts({ size: size(best.best.sizeBytes), speed: range(best.best.fit.speed.decode) })}</p>
          <div className="choice-acts">
            <Obtain offer={offerOf(best, best.best)} large />
            <Button kind="quiet" size="l" onClick={() => go('/discover')}>
              {welcome.chooseOther}
            </Button>
          </div>
        </>
      )}
    </article>
  )
}

function StarterChoice() {
  const { welcome, library } = useMessages()
  const chat = useChatWith()
  const models = useLive(libraryLive)
  const starter = models?.find(({ demonstration, state }) => demonstration === 'starter' && state !== 'missing' && state !== 'damaged')
  return (
    <article className="choice" data-testid="choice-starter">
      <h2>{welcome.starter}</h2>
      <p className="choice-name">{starter?.name ?? welcome.starterName}</p>
      <p className="t2">{welcome.starterFacts}</p>
      <div className="choice-acts">
        {starter !== undefined ? (
          <Button size="l" onClick={() => chat(starter.id)}>
            {library.loadAndChat}
          </Button>
        ) : (
          models !== undefined && <p className="t3 f12">{welcome.starterMissing}</p>
        )}
      </div>
    </article>
  )
}
