import { formatWait } from '@shared/domain/format'
import type { EngineStatus, LadderStep, LibraryModel } from '@shared/domain/library'
import { ChevronDown, CircleStop } from 'lucide-react'
import { type RefObject, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { client } from '../../lib/client'
import { useCommand } from '../../lib/commands'
import { count, parameters, percent } from '../../lib/format'
import { useLanguage, useMessages } from '../../lib/i18n'
import { isMac, keyLabel } from '../../lib/keyboard'
import { machineLive, settingsLive, useLive } from '../../lib/live'
import { isUsable } from '../../lib/currentModel'
import { useCurrentModel } from '../../lib/models'
import { Button, ErrorNotice, MemoryBar, Note, Popover, WherePill, livePools } from '../../ui'
import { EngineNotice } from './EngineNotice'
import { loadingText } from './loadingText'
import { DemonstrationTag } from './ModelTags'
import './library.css'
import { useFit } from './useFit'
import { useLoad } from './useLoad'

/** The model at the right end of every title bar: what is loaded, how far a load is, and the choice of another. */
export function ModelButton() {
  const { common } = useMessages()
  const [open, setOpen] = useState(false)
  const list = useRef<HTMLUListElement>(null)
  const { engine, model, models } = useCurrentModel()
  useCommand('choose-model', () => setOpen((before) => !before))
  const failedName = engine.state === 'failed' ? (models.find(({ id }) => id === engine.modelId)?.name ?? null) : null
  const text =
    model === null
      ? common.noModelLoaded
      : engine.state === 'loading'
        ? common.modelLoading({ percent: percent(engine.fraction) })
        : engine.state === 'failed' && failedName === model.name
          ? common.modelFailed
          : engine.state === 'ready'
            ? model.quantization
            : common.modelNotLoaded
  return (
    <Popover
      label={common.chooseModel}
      align="end"
      wide
      open={open}
      onOpenChange={setOpen}
      initialFocus={() => list.current?.querySelector('button') ?? null}
      trigger={
        <Button
          className="picker"
          aria-label={`${common.chooseModel}: ${model === null ? common.noModelLoaded : `${model.name}, ${text}`}`}
          title={`${common.chooseModel} (${keyLabel('Ctrl M', isMac)})`}
          data-testid="model-button"
          data-state={engine.state}
        >
          <span className={engine.state === 'ready' ? 'dot' : engine.state === 'failed' ? 'dot bad' : 'dot off'} />
          {model !== null && <span className="ell">{model.name}</span>}
          <span className="reg ell">{text}</span>
          {engine.state === 'ready' && <LoadedBar engine={engine} />}
          <ChevronDown className="i xs chev" aria-hidden="true" />
          {engine.state === 'loading' && <span className="load-bar" style={{ width: percent(engine.fraction).replace(' ', '') }} />}
        </Button>
      }
    >
      <Picker list={list} onDone={() => setOpen(false)} />
    </Popover>
  )
}

function LoadedBar({ engine }: { engine: Extract<EngineStatus, { state: 'ready' }> }) {
  const report = useLive(machineLive)
  const limits = useLive(settingsLive)
  if (report === undefined) return null
  const pools = livePools(report, engine.parts, limits).filter((pool) => pool.takesBytes > 0)
  return <MemoryBar pools={pools.slice(0, 1)} parts={engine.parts} size="s" />
}

const contexts: readonly number[] = [2_048, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072]

function Picker({ list, onDone }: { list: RefObject<HTMLUListElement | null>; onDone: () => void }) {
  const { library } = useMessages()
  const [, go] = useLocation()
  const { engine, models } = useCurrentModel()
  const [context, setContext] = useState<number | null>(null)
  const { load, error } = useLoad()
  const usable = models.filter(isUsable)
  return (
    <div className="picker-pop">
      <div className="row">
        <h3 className="grow">{library.pickerTitle}</h3>
        <label className="row f12">
          {library.context}
          <select
            className="select"
            aria-label={library.context}
            value={context ?? ''}
            onChange={(event) => setContext(event.target.value === '' ? null : Number(event.target.value))}
          >
            <option value="">{library.contextAutomatic}</option>
            {contexts.map((tokens) => (
              <option key={tokens} value={tokens}>
                {library.contextTokens({ tokens: count(tokens) })}
              </option>
            ))}
          </select>
        </label>
      </div>
      {error !== null && <ErrorNotice error={error} />}
      {engine.state === 'failed' && <EngineNotice engine={engine} contextSize={context} />}
      {engine.state === 'ready' && engine.ladder.length > 0 && <LadderNote ladder={engine.ladder} />}
      {usable.length === 0 && <p className="t2">{library.pickerEmpty}</p>}
      <ul ref={list} className="plain picker-list" aria-label={library.pickerTitle}>
        {usable.map((model) => (
          <PickerRow
            key={model.id}
            model={model}
            engine={engine}
            context={context}
            onLoad={() => {
              load(model.id, { contextSize: context })
              onDone()
            }}
          />
        ))}
      </ul>
      <div className="row">
        <Button
          kind="quiet"
          size="s"
          onClick={() => {
            onDone()
            go('/discover')
          }}
        >
          {library.pickerFind}
        </Button>
        <span className="grow" />
        {engine.state === 'ready' && (
          <Button kind="quiet" size="s" onClick={() => void client.engine.unload()}>
            <CircleStop className="i s" aria-hidden="true" />
            {library.unload}
          </Button>
        )}
      </div>
    </div>
  )
}

function PickerRow({
  model,
  engine,
  context,
  onLoad,
}: {
  model: LibraryModel
  engine: EngineStatus
  context: number | null
  onLoad: () => void
}) {
  const words = useMessages()
  const { library, common } = words
  const language = useLanguage()
  const fit = useFit(model.id, context)
  const here = engine.state !== 'empty' && engine.modelId === model.id
  return (
    <li>
      <button
        type="button"
        className="picker-row"
        onClick={onLoad}
        aria-label={library.loadNamed({ name: `${model.name} ${model.quantization}` })}
      >
        <span className="col grow">
          <span className="row">
            <b className="m ell">{model.name}</b>
            {here && engine.state === 'ready' && <span className="tag acc">{library.loaded}</span>}
            {here && engine.state === 'loading' && <span className="tag acc">{loadingText(engine, words, language)}</span>}
            <DemonstrationTag model={model} />
          </span>
          <span className="t3 f11">
            {parameters(model.parameters)} · <span className="mono">{model.quantization}</span>
            {fit !== null && ` · ${common.level[fit.level]}`}
            {fit?.loadMs !== undefined && !here && ` · ${common.loadsIn({ time: formatWait(fit.loadMs, language) })}`}
          </span>
        </span>
        <span className="picker-bar">
          {fit !== null && <MemoryBar pools={fit.pools} parts={fit.parts} verdict={fit.verdict} name={model.name} />}
        </span>
        {fit !== null && <WherePill fit={fit} />}
      </button>
    </li>
  )
}

/** What the load ladder changed, in plain words. */
export function LadderNote({ ladder }: { ladder: readonly LadderStep[] }) {
  const { chat } = useMessages()
  const words = chat.ladder
  const line = (step: LadderStep): string => {
    switch (step.change) {
      case 'context':
        return words.context({ from: count(step.from), to: count(step.to) })
      case 'kv-cache':
        return words.kvCache({ to: step.to })
      case 'gpu-layers':
        return words.gpuLayers({ from: step.from, to: step.to })
      case 'cpu':
        return words.cpu
    }
  }
  return (
    <Note tone="warn">
      {words.title}: {ladder.map(line).join(' · ')}
    </Note>
  )
}
