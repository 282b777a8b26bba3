import type { EngineStatus, LibraryModel } from '@shared/domain/library'
import type { KvCacheType } from '@shared/domain/gguf'
import { type PresetChange, type SamplingPreset, automaticPreset, isAutomatic, samplingFor } from '@shared/domain/preset'
import { thinksFirst } from '@shared/domain/thinking'
import { RotateCcw } from 'lucide-react'
import { useId, useState } from 'react'
import { client } from '../../lib/client'
import { count } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { Button, Dialog, ErrorNotice, MemoryBar, WherePill } from '../../ui'
import { type FieldLimits, PresetField } from './PresetField'
import { useFit } from './useFit'
import { useLoad } from './useLoad'

const kvTypes: readonly KvCacheType[] = ['f16', 'q8_0', 'q4_0']
const samplingFields: readonly (FieldLimits & { key: keyof SamplingPreset })[] = [
  { key: 'temperature', min: 0, max: 2 },
  { key: 'topP', min: 0, max: 1 },
  { key: 'topK', min: 0, max: 100_000, integer: true },
  { key: 'minP', min: 0, max: 1 },
  { key: 'repeatPenalty', min: 0, max: 2 },
]

interface PresetDialogProps {
  model: LibraryModel
  engine: EngineStatus
  open: boolean
  onClose: () => void
}

/** What is kept for one model: how it is loaded, how it writes. Each value is saved as it is left. */
export function PresetDialog({ model, engine, open, onClose }: PresetDialogProps) {
  const { library, chat } = useMessages()
  const words = library.preset
  const [error, setError] = useState<unknown>(null)
  const { load, error: loadError } = useLoad()
  const fit = useFit(model.id, null, open)
  const kvId = useId()
  const preset = model.preset ?? automaticPreset
  const save = (change: PresetChange) => {
    setError(null)
    client.library.setPreset({ id: model.id, ...change }).catch(setError)
  }
  const loadField = (key: 'contextSize' | 'gpuLayers' | 'threads', limits: FieldLimits, hint: string | null) => (
    <PresetField
      label={words[key]}
      hint={hint}
      value={preset.load[key]}
      automatic={words.automatic}
      outOfRange={words.outOfRange}
      onSave={(value) => save({ load: { [key]: value } })}
      {...limits}
    />
  )
  // As most chats have it: thinking as the model does by itself.
  const recommended = samplingFor(model.sampling, thinksFirst(model.thinking, { mode: 'default' }))
  const maker = (key: keyof SamplingPreset): number | null => (key === 'repeatPenalty' ? null : (recommended?.[key] ?? null))
  const from = model.samplingFrom == null ? '' : words.from[model.samplingFrom]
  const here = engine.state === 'ready' && engine.modelId === model.id
  return (
    <Dialog open={open} onClose={onClose} title={words.title({ name: model.name })} description={words.hint}>
      <div className="preset" data-testid="preset">
        {error !== null && <ErrorNotice error={error} />}
        {loadError !== null && <ErrorNotice error={loadError} />}
        <h3>{words.loading}</h3>
        {loadField(
          'contextSize',
          { min: 256, max: Math.max(256, model.trainContextSize), integer: true },
          words.contextHint({ tokens: count(model.trainContextSize) }),
        )}
        {loadField('gpuLayers', { min: 0, max: 1_000, integer: true, word: 'max' }, words.gpuLayersHint)}
        <div className="preset-row">
          <label className="col" htmlFor={kvId}>
            <span>{words.kvCacheType}</span>
            <span className="t3 f11">{words.kvHint}</span>
          </label>
          <select
            id={kvId}
            className="select"
            value={preset.load.kvCacheType ?? ''}
            onChange={(event) => save({ load: { kvCacheType: kvTypes.find((type) => type === event.target.value) ?? null } })}
          >
            <option value="">{words.automatic}</option>
            {kvTypes.map((type) => (
              <option key={type} value={type}>
                {type.toUpperCase()}
              </option>
            ))}
          </select>
        </div>
        {loadField('threads', { min: 1, max: 512, integer: true }, words.threadsHint)}
        {fit !== null && (
          <div className="row">
            <span className="grow">
              <MemoryBar pools={fit.pools} parts={fit.parts} verdict={fit.verdict} name={model.name} />
            </span>
            <WherePill fit={fit} />
          </div>
        )}
        <h3>{words.writing}</h3>
        {samplingFields.map(({ key, ...limits }) => {
          const value = maker(key)
          return (
            <PresetField
              key={key}
              label={key === 'temperature' ? chat.temperature.name : chat.how[key]}
              hint={value === null ? null : words.recommended({ value: String(value), from })}
              value={preset.sampling[key]}
              automatic={value === null ? words.automatic : String(value)}
              outOfRange={words.outOfRange}
              onSave={(next) => save({ sampling: { [key]: next } })}
              {...limits}
            />
          )
        })}
        <div className="row">
          <Button kind="quiet" size="s" disabled={isAutomatic(preset)} onClick={() => save(automaticPreset)}>
            <RotateCcw className="i xs" aria-hidden="true" />
            {words.reset}
          </Button>
          <span className="grow" />
          {here && (
            <Button size="s" onClick={() => load(model.id)}>
              {words.loadAgain}
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  )
}
