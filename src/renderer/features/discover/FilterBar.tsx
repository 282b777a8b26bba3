import { useCases } from '@shared/domain/catalog'
import type { KvCacheType } from '@shared/domain/gguf'
import { useNeeds } from '@shared/domain/recommend'
import { licenceChoices } from '@shared/domain/search'
import type { SizeClassId } from '@shared/domain/sizeClass'
import { count, languageName } from '../../lib/format'
import { useLanguage, useMessages } from '../../lib/i18n'
import { engineLive, useLive } from '../../lib/live'
import { useCurrentModel } from '../../lib/models'
import { Segmented, Switch } from '../../ui'
import type { Filters } from './filters'
import { MachineChoice } from './MachineChoice'

const sizes: readonly SizeClassId[] = ['light', 'medium', 'heavy']
/** Which makers declare most. */
const languages: readonly string[] = ['en', 'zh', 'ja', 'ko', 'de', 'fr', 'es', 'it', 'pt', 'ru', 'ar', 'hi']
const contexts: readonly number[] = [2_048, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072]
const cacheTypes: readonly KvCacheType[] = ['f16', 'q8_0', 'q4_0']

/** What is asked: use, size, context, cache type, machine. Any of it prices the whole catalogue again. */
export function FilterBar({ filters, setFilters, shown }: { filters: Filters; setFilters: (filters: Filters) => void; shown: number }) {
  const { discover, common } = useMessages()
  const language = useLanguage()
  return (
    <div className="filters" role="toolbar" aria-label={discover.filters}>
      <Chips
        label={discover.useLabel}
        options={useCases.map((use) => ({ value: use, text: discover.use[use] }))}
        chosen={filters.use}
        onChoose={(use) => setFilters({ ...filters, use })}
      />
      <span className="vr" />
      <Chips
        label={discover.sizeLabel}
        options={sizes.map((size) => ({ value: size, text: common.sizeClass[size], more: discover.sizeRange[size] }))}
        chosen={filters.size}
        onChoose={(size) => setFilters({ ...filters, size: filters.size === size ? null : size })}
      />
      <span className="vr" />
      <Switch checked={filters.fitsOnly} onChange={(fitsOnly) => setFilters({ ...filters, fitsOnly })}>
        {discover.fitsOnly}
      </Switch>
      <span className="row wrap sizes">
        <MachineChoice value={filters.simulate} onChange={(simulate) => setFilters({ ...filters, simulate })} />
        <label className="row f12">
          {discover.context}
          <select
            className="select"
            aria-label={discover.context}
            value={filters.contextSize ?? ''}
            onChange={(event) => setFilters({ ...filters, contextSize: event.target.value === '' ? null : Number(event.target.value) })}
          >
            <option value="">{discover.contextByUse({ tokens: count(useNeeds[filters.use].contextSize) })}</option>
            {contexts.map((tokens) => (
              <option key={tokens} value={tokens}>
                {discover.contextTokens({ tokens: count(tokens) })}
              </option>
            ))}
          </select>
        </label>
        <label className="row f12">
          {discover.cacheType}
          <select
            className="select"
            aria-label={discover.cacheType}
            value={filters.kvCacheType}
            onChange={(event) => setFilters({ ...filters, kvCacheType: cacheTypes.find((type) => type === event.target.value) ?? 'f16' })}
          >
            {cacheTypes.map((type) => (
              <option key={type} value={type}>
                {type}
              </option>
            ))}
          </select>
        </label>
        <label className="row f12">
          {discover.licence}
          <select
            className="select narrow"
            aria-label={discover.licence}
            value={filters.licence ?? ''}
            onChange={(event) =>
              setFilters({ ...filters, licence: licenceChoices.find((choice) => choice === event.target.value) ?? null })
            }
          >
            <option value="">{discover.any}</option>
            {licenceChoices.map((choice) => (
              <option key={choice} value={choice}>
                {discover.licences[choice]}
              </option>
            ))}
          </select>
        </label>
        <label className="row f12">
          {discover.language}
          <select
            className="select narrow"
            aria-label={discover.language}
            value={filters.language ?? ''}
            onChange={(event) => setFilters({ ...filters, language: event.target.value === '' ? null : event.target.value })}
          >
            <option value="">{discover.any}</option>
            {languages.map((code) => (
              <option key={code} value={code}>
                {languageName(code, language)}
              </option>
            ))}
          </select>
        </label>
      </span>
      <Loaded beside={filters.beside} simulated={filters.simulate !== null} onChange={(beside) => setFilters({ ...filters, beside })} />
      <span className="grow" />
      <Segmented
        small
        label={discover.view}
        value={filters.view}
        options={[
          { value: 'list', label: discover.viewList },
          { value: 'chart', label: discover.viewChart },
        ]}
        onChange={(view) => setFilters({ ...filters, view })}
      />
      <span className="t3 f12 nw" data-testid="model-count">
        {discover.count({ count: shown })}
      </span>
    </div>
  )
}

interface ChipsProps<T extends string> {
  label: string
  options: { value: T; text: string; more?: string }[]
  chosen: T | null
  onChoose: (value: T) => void
}

function Chips<T extends string>({ label, options, chosen, onChoose }: ChipsProps<T>) {
  return (
    <div className="row" role="group" aria-label={label}>
      {options.map(({ value, text, more }) => (
        <button key={value} type="button" className="chip" aria-pressed={chosen === value} onClick={() => onChoose(value)}>
          {text}
          {more !== undefined && <span className="t3"> {more}</span>}
        </button>
      ))}
    </div>
  )
}

/** Whether a loaded model gives its memory back: asked only where one is loaded, and never of a machine that is not here. */
function Loaded({ beside, simulated, onChange }: { beside: boolean; simulated: boolean; onChange: (beside: boolean) => void }) {
  const { discover } = useMessages()
  const engine = useLive(engineLive)
  const { model } = useCurrentModel()
  if (engine?.state !== 'ready' || simulated) return null
  return (
    <Segmented
      small
      label={discover.memoryOf}
      value={beside ? 'beside' : 'place'}
      options={[
        { value: 'place', label: discover.inPlaceOf({ name: model?.name ?? discover.loadedModel }) },
        { value: 'beside', label: discover.besideIt },
      ]}
      onChange={(value) => onChange(value === 'beside')}
    />
  )
}
