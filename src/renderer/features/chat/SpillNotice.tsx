import type { EngineStatus } from '@shared/domain/library'
import { type WayOut, freedBytes, isSpilling, waysOut } from '@shared/domain/spilling'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { client } from '../../lib/client'
import { count, gib, range, speed } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { engineLive, useLive } from '../../lib/live'
import { Button, ErrorNotice, Note } from '../../ui'
import type { Chat } from './useChat'

type Ready = Extract<EngineStatus, { state: 'ready' }>

/** What is predicted of a plan, never what was measured of it. */
function useFit(engine: Ready, way: Pick<WayOut, 'contextSize' | 'gpuLayers'>, enabled: boolean) {
  const { contextSize, gpuLayers } = way
  return useQuery({
    queryKey: ['library.fit', engine.modelId, contextSize, gpuLayers],
    queryFn: () => client.library.fit({ id: engine.modelId, contextSize, gpuLayers }),
    enabled,
    staleTime: 300_000,
  }).data
}

/** The plan that was loaded when a reply was first seen: its speed says nothing of another one. Kept while the page is left and the model loads. */
const plans = new Map<string, string>()

function isOfThisPlan(replyId: string, { contextSize, gpuLayers }: Ready): boolean {
  const plan = `${contextSize} ${gpuLayers}`
  if (!plans.has(replyId)) plans.set(replyId, plan)
  return plans.get(replyId) === plan
}

/** A driver that runs out of the card's memory says nothing: it moves the model through RAM, and the reply crawls. */
export function SpillNotice({ chat }: { chat: Chat }) {
  const engine = useLive(engineLive)
  if (engine?.state !== 'ready' || engine.backend === 'cpu' || engine.gpuLayers === 0) return null
  const last = chat.branch.findLast((message) => message.role === 'assistant')
  if (last?.stats == null || last.modelId !== engine.modelId || chat.streaming !== null) return null
  if (!isOfThisPlan(last.id, engine)) return null
  return <Told key={last.id} replyId={last.id} engine={engine} stats={last.stats} />
}

/** What the driver itself says about it, where it says anything; asked once after each reply. */
function useMoved(replyId: string): number {
  const query = useQuery({ queryKey: ['engine.moved', replyId], queryFn: () => client.engine.moved(), staleTime: Number.POSITIVE_INFINITY })
  return query.data ?? 0
}

function Told({ replyId, engine, stats }: { replyId: string; engine: Ready; stats: { evalTokens: number; evalTokensPerSecond: number } }) {
  const { chat } = useMessages()
  const [error, setError] = useState<unknown>(null)
  const [done, setDone] = useState(false)
  const loaded = useFit(engine, engine, true)
  const low = loaded?.speed.decode[0] ?? 0
  const moved = useMoved(replyId)
  if (done || loaded === undefined || (moved === 0 && !isSpilling(engine, stats, low))) return null
  const load = (way: WayOut) => {
    setDone(true)
    client.engine.load({ modelId: engine.modelId, contextSize: way.contextSize, gpuLayers: way.gpuLayers }).catch((thrown: unknown) => {
      setDone(false)
      setError(thrown)
    })
  }
  return (
    <div className="spill" data-testid="spilling">
      <Note tone="warn">
        <p role="status">
          {moved > 0
            ? chat.spill.moved({ bytes: gib(moved) })
            : chat.spill.says({ measured: speed(stats.evalTokensPerSecond), low: speed(low) })}
        </p>
        <div className="row wrap note-acts">
          {waysOut(engine).map((way) => (
            <Way key={way.kind} engine={engine} way={way} before={loaded.parts} onChoose={() => load(way)} />
          ))}
        </div>
        {error !== null && <ErrorNotice error={error} />}
      </Note>
    </div>
  )
}

function Way({
  engine,
  way,
  before,
  onChoose,
}: {
  engine: Ready
  way: WayOut
  before: readonly { device: string; bytes: number }[]
  onChoose: () => void
}) {
  const { chat } = useMessages()
  const fit = useFit(engine, way, true)
  const freed = fit === undefined ? null : freedBytes(before, fit.parts)
  const words =
    way.kind === 'context'
      ? chat.spill.context({ tokens: count(way.contextSize) })
      : chat.spill.layers({ layers: way.gpuLayers, total: engine.totalLayers })
  return (
    <Button size="s" onClick={onChoose}>
      {words}
      {freed !== null && freed > 0 && (
        <span className="t3">
          {' '}
          {chat.spill.frees({ bytes: gib(freed, true) })}, {chat.spill.after({ speed: range(fit?.speed.decode ?? [0, 0]) })}
        </span>
      )}
    </Button>
  )
}
