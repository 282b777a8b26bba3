import { useCases } from '@shared/domain/catalog'
import type { KvCacheType } from '@shared/domain/gguf'
import { type Recommendation, useNeeds } from '@shared/domain/recommend'
import type { SizeClassId } from '@shared/domain/sizeClass'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Search } from 'lucide-react'
import { useState } from 'react'
import { client } from '../../lib/client'
import { count, gib } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { machineLive, useLive } from '../../lib/live'
import { Button, EmptyState, ErrorNotice, Page, Switch } from '../../ui'
import './discover.css'
import { type Filters, noFilters, passing } from './filters'
import { Hero } from './Hero'
import { HubBanner } from './HubBanner'
import { repositoryIn } from './matching'
import { ModelRow } from './ModelRow'
import { HubHits, RepositoryPanel } from './RepositoryPanel'

const sizes: readonly SizeClassId[] = ['light', 'medium', 'heavy']
const contexts: readonly number[] = [2_048, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072]
const cacheTypes: readonly KvCacheType[] = ['f16', 'q8_0', 'q4_0']

type Opened = { kind: 'repository'; repository: string } | { kind: 'hits'; query: string } | null

export function DiscoverPage() {
  const { discover } = useMessages()
  const [filters, setFilters] = useState<Filters>(noFilters)
  const [opened, setOpened] = useState<Opened>(null)
  const repository = repositoryIn(filters.text)
  const query = useRecommendations(filters)
  const shown = query.data === undefined ? [] : passing(query.data, repository === null ? filters : { ...filters, text: '' })
  const open = () => {
    if (repository !== null) setOpened({ kind: 'repository', repository })
    else if (filters.text.trim() !== '') setOpened({ kind: 'hits', query: filters.text.trim() })
  }
  const tool = (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault()
        open()
      }}
    >
      <label className="input">
        <Search className="i s" aria-hidden="true" />
        <input
          type="search"
          aria-label={discover.searchLabel}
          placeholder={discover.search}
          value={filters.text}
          onChange={(event) => setFilters({ ...filters, text: event.target.value })}
        />
      </label>
      {filters.text.trim() !== '' && (
        <Button size="s" type="submit">
          {repository === null ? discover.searchHub : discover.showFiles}
        </Button>
      )}
    </form>
  )
  const [best] = query.data ?? []
  return (
    <Page title={discover.title} tool={tool}>
      <HubBanner />
      {opened?.kind === 'repository' && (
        <RepositoryPanel
          repository={opened.repository}
          contextSize={filters.contextSize}
          kvCacheType={filters.kvCacheType}
          onClose={() => setOpened(null)}
        />
      )}
      {opened?.kind === 'hits' && (
        <HubHits
          query={opened.query}
          onPick={(picked) => setOpened({ kind: 'repository', repository: picked })}
          onClose={() => setOpened(null)}
        />
      )}
      {query.error !== null && <ErrorNotice error={query.error} />}
      {best !== undefined ? <Hero item={best} /> : query.isPending && <div className="card hero empty-hero" />}
      <FilterBar filters={filters} setFilters={setFilters} shown={shown.length} />
      <section className="card flush" aria-label={discover.models}>
        <Head items={shown} filters={filters} />
        {query.isPending && <Skeleton />}
        <ul className="plain" data-rows>
          {shown.map((item) => (
            <ModelRow key={item.model.id} item={item} />
          ))}
        </ul>
        {query.data !== undefined && shown.length === 0 && <NothingPasses filters={filters} setFilters={setFilters} />}
      </section>
    </Page>
  )
}

/** Asked again when free memory changed by a quarter GiB, keeping what is shown meanwhile. */
function useRecommendations({ use, contextSize, kvCacheType }: Filters) {
  const report = useLive(machineLive)
  const step = 256 * 1024 * 1024
  const free =
    report === undefined ? null : Math.round((report.ram.available + report.gpus.reduce((sum, gpu) => sum + (gpu.vramFree ?? 0), 0)) / step)
  return useQuery<Recommendation[]>({
    queryKey: ['discover.recommend', use, contextSize, kvCacheType, free],
    queryFn: () => client.discover.recommend({ use, kvCacheType, ...(contextSize === null ? {} : { contextSize }) }),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  })
}

function FilterBar({ filters, setFilters, shown }: { filters: Filters; setFilters: (filters: Filters) => void; shown: number }) {
  const { discover, common } = useMessages()
  return (
    <div className="filters" role="toolbar" aria-label={discover.filters}>
      <div className="row" role="group" aria-label={discover.useLabel}>
        {useCases.map((use) => (
          <button
            key={use}
            type="button"
            className="chip"
            aria-pressed={filters.use === use}
            onClick={() => setFilters({ ...filters, use })}
          >
            {discover.use[use]}
          </button>
        ))}
      </div>
      <span className="vr" />
      <div className="row" role="group" aria-label={discover.sizeLabel}>
        {sizes.map((size) => (
          <button
            key={size}
            type="button"
            className="chip"
            aria-pressed={filters.size === size}
            onClick={() => setFilters({ ...filters, size: filters.size === size ? null : size })}
          >
            {common.sizeClass[size]} <span className="t3">{discover.sizeRange[size]}</span>
          </button>
        ))}
      </div>
      <span className="vr" />
      <Switch checked={filters.fitsOnly} onChange={(fitsOnly) => setFilters({ ...filters, fitsOnly })}>
        {discover.fitsOnly}
      </Switch>
      <span className="row sizes">
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
      </span>
      <span className="grow" />
      <span className="t3 f12 nw" data-testid="model-count">
        {discover.count({ count: shown })}
      </span>
    </div>
  )
}

/** The devices that all rows share, so that their lines run down the page, and for which context the sums are. */
function Head({ items, filters }: { items: readonly Recommendation[]; filters: Filters }) {
  const { discover, common } = useMessages()
  const pools = items[0]?.best.fit.pools ?? []
  const context = count(filters.contextSize ?? useNeeds[filters.use].contextSize)
  return (
    <div className="cols head">
      <span>
        {discover.column.model}
        <span className="opt">
          {' '}
          · {discover.contextTokens({ tokens: context })}, {filters.kvCacheType}
        </span>
      </span>
      <span className="ends" data-tanks={pools.length}>
        {pools.length === 0
          ? discover.column.memory
          : pools.map((pool) => (
              <span key={pool.id}>
                <span className="ell">{pool.id === 'cpu' ? common.ram : pool.name}</span>
                <span>{gib(pool.freeBytes + pool.returnedBytes)}</span>
              </span>
            ))}
      </span>
      <span className="num">{discover.column.takes}</span>
      <span>{discover.column.outcome}</span>
      <span className="num">{discover.column.predicted}</span>
      <span className="num opt">{discover.column.download}</span>
      <span>{discover.column.quantization}</span>
      <span className="vh">{discover.column.action}</span>
    </div>
  )
}

/** Rows at full height with empty tanks: numbers arrive, nothing moves. */
function Skeleton() {
  return (
    <ul className="plain" aria-hidden="true">
      {Array.from({ length: 8 }, (_, row) => (
        <li key={row} className="mrow">
          <div className="cols">
            <span className="bone" />
            <span className="meter">
              <span className="tank" />
            </span>
          </div>
        </li>
      ))}
    </ul>
  )
}

/** Which filter hides all, and a way to take it off. */
function NothingPasses({ filters, setFilters }: { filters: Filters; setFilters: (filters: Filters) => void }) {
  const { discover, common } = useMessages()
  return (
    <EmptyState title={discover.emptyFilters}>
      <div className="row wrap center">
        {filters.text.trim() !== '' && (
          <Button onClick={() => setFilters({ ...filters, text: '' })}>{discover.clearFilter({ filter: filters.text.trim() })}</Button>
        )}
        {filters.size !== null && (
          <Button onClick={() => setFilters({ ...filters, size: null })}>
            {discover.clearFilter({ filter: common.sizeClass[filters.size] })}
          </Button>
        )}
        {filters.fitsOnly && (
          <Button onClick={() => setFilters({ ...filters, fitsOnly: false })}>{discover.clearFilter({ filter: discover.fitsOnly })}</Button>
        )}
        <Button kind="quiet" onClick={() => setFilters({ ...noFilters, use: filters.use })}>
          {discover.clearAll}
        </Button>
      </div>
    </EmptyState>
  )
}
