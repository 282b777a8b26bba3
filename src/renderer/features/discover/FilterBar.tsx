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
import { Needs } from './Needs'

const sizes: readonly SizeClassId[] = ['light', 'medium', 'heavy']
/** Which makers declare most. */
const languages: readonly string[] = ['en', 'zh', 'ja', 'ko', 'de', 'fr', 'es', 'it', 'pt', 'ru', 'ar', 'hi']
const contexts: readonly number[] = [2_048, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072]
const cacheTypes: readonly KvCacheType[] = ['f16', 'q8_0', 'q4_0']

interface FilterProps {
  filters: Filters
  setFilters: (filters: Filters) => void
}

/** What is asked: use, size, context, cache type, machine. Any of it prices the whole catalogue again. */
export function FilterBar({ filters, setFilters }: FilterProps) {
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
      <Needs use={filters.use} />
      <span className="vr" />
      <Chips
        label={discover.sizeLabel}
        options={sizes.map((size) => ({ value: size, text: common.sizeClass[size], more: discover.sizeRange[size] }))}
        chosen={filters.size}
        onChoose={(size) => setFilters({ ...filters, size: filters.size === size ? null : size })}
      />
      <Switch checked={filters.fitsOnly} onChange={(fitsOnly) => setFilters({ ...filters, fitsOnly })}>
        {discover.fitsOnly}
      </Switch>
      <span className="row wrap sizes">
        <MachineChoice value={filters.simulate} onChange={(simulate) => setFilters({ ...filters, simulate })} />
        <Choice
          label={discover.context}
          value={String(filters.contextSize ?? '')}
          options={[
            ['', discover.contextByUse({ tokens: count(useNeeds[filters.use].contextSize) })],
            ...contexts.map((tokens): Option => [String(tokens), discover.contextTokens({ tokens: count(tokens) })]),
          ]}
          onChoose={(value) => setFilters({ ...filters, contextSize: value === '' ? null : Number(value) })}
        />
        <Choice
          label={discover.cacheType}
          value={filters.kvCacheType}
          options={cacheTypes.map((type): Option => [type, type])}
          onChoose={(value) => setFilters({ ...filters, kvCacheType: cacheTypes.find((type) => type === value) ?? 'f16' })}
        />
        <Choice
          narrow
          label={discover.licence}
          value={filters.licence ?? ''}
          options={[['', discover.anyLicence], ...licenceChoices.map((choice): Option => [choice, discover.licences[choice]])]}
          onChoose={(value) => setFilters({ ...filters, licence: licenceChoices.find((choice) => choice === value) ?? null })}
        />
        <Choice
          narrow
          label={discover.language}
          value={filters.language ?? ''}
          options={[['', discover.anyLanguage], ...languages.map((code): Option => [code, languageName(code, language)])]}
          onChoose={(value) => setFilters({ ...filters, language: value === '' ? null : value })}
        />
      </span>
      <Loaded beside={filters.beside} simulated={filters.simulate !== null} onChange={(beside) => setFilters({ ...filters, beside })} />
    </div>
  )
}

/** Above what passes the filters: how many, and drawn as what. */
export function ViewBar({ filters, setFilters, shown }: FilterProps & { shown: number }) {
  const { discover } = useMessages()
  return (
    <div className="row view-of">
      <span className="t3 f12 grow" data-testid="model-count">
        {discover.count({ count: shown })}
      </span>
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
    </div>
  )
}

type Option = readonly [value: string, text: string]

interface ChoiceProps {
  label: string
  value: string
  options: readonly Option[]
  /** Its first option says what it is about. */
  narrow?: boolean
  onChoose: (value: string) => void
}

function Choice({ label, value, options, narrow = false, onChoose }: ChoiceProps) {
  return (
    <label className="row f12">
      {!narrow && label}
      <select
        className={narrow ? 'select brief' : 'select'}
        aria-label={label}
        value={value}
        onChange={(event) => onChoose(event.target.value)}
      >
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </label>
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
  const inPlace = discover.inPlaceOf({ name: model?.name ?? discover.loadedModel })
  return (
    <Segmented
      small
      label={discover.memoryOf}
      value={beside ? 'beside' : 'place'}
      options={[
        {
          value: 'place',
          label: (
            <span className="ell" title={inPlace}>
              {inPlace}
            </span>
          ),
        },
        { value: 'beside', label: discover.besideIt },
      ]}
      onChange={(value) => onChange(value === 'beside')}
    />
  )
}
