import { isAddress } from '@shared/domain/address'
import { nothingUsable } from '@shared/domain/nothingUsable'
import { type Recommendation, useNeeds } from '@shared/domain/recommend'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'
import { client } from '../../lib/client'
import { count, gib, languageName } from '../../lib/format'
import { useLanguage, useMessages } from '../../lib/i18n'
import { copyTestLive, machineLive, useLive } from '../../lib/live'
import { Button, EmptyState, ErrorNotice, Note, Page } from '../../ui'
import { SpeedOffer } from '../machine'
import './discover.css'
import { AddressPanel } from './AddressPanel'
import { Chart } from './Chart'
import { FilterBar, ViewBar } from './FilterBar'
import { type Filters, noFilters, passing } from './filters'
import { Hero } from './Hero'
import { HubBanner } from './HubBanner'
import { type SearchPlace, atPlace, placeOf, repositoryIn } from './matching'
import { ModelRow } from './ModelRow'
import { NothingUsable } from './NothingUsable'
import { HubHits } from './HubHits'
import { RepositoryPanel } from './RepositoryPanel'
import { SearchField, SearchPlaceRow } from './SearchField'
import { type Simulation, SimulationContext, markSimulated, simulatedName, useSimulation } from './simulation'

type Opened = { kind: 'repository'; repository: string } | { kind: 'address'; address: string } | { kind: 'hits'; query: string } | null

export function DiscoverPage() {
  const { discover, common } = useMessages()
  const [filters, setFilters] = useState<Filters>(noFilters)
  const [opened, setOpened] = useState<Opened>(null)
  const [place, setPlace] = useState<SearchPlace>('hub')
  const field = useRef<HTMLInputElement>(null)
  const repository = repositoryIn(filters.text)
  const address = isAddress(filters.text)
  const { simulate } = filters
  const query = useRecommendations(filters)
  const real = useRecommendations({ ...filters, simulate: null })
  const simulation = useMemo(
    (): Simulation | null =>
      simulate === null
        ? null
        : {
            name: simulatedName(simulate, { vram: common.vram, ram: common.ram, none: discover.noCard }),
            here: new Map((real.data ?? []).map((item) => [item.model.id, item])),
          },
    [simulate, real.data, common, discover],
  )
  const items = useMemo(
    () => (simulate === null ? query.data : query.data?.map((item) => markSimulated(item, (name) => discover.simulatedDevice({ name })))),
    [simulate, query.data, discover],
  )
  const shown =
    items === undefined ? [] : passing(items, { ...filters, text: repository === null && !address ? atPlace(filters.text, 'hub') : '' })
  const open = (at: SearchPlace, text: string) => {
    const asked = atPlace(text, placeOf(text, at))
    const named = repositoryIn(asked)
    if (isAddress(text)) setOpened({ kind: 'address', address: text.trim() })
    else if (named !== null) setOpened({ kind: 'repository', repository: named })
    else if (asked !== '') setOpened({ kind: 'hits', query: asked })
  }
  const search = (at: SearchPlace) => {
    setPlace(at)
    field.current?.focus()
  }
  const tool = (
    <SearchField
      ref={field}
      text={filters.text}
      place={place}
      onText={(text) => setFilters({ ...filters, text })}
      onOpen={() => open(place, filters.text)}
      onPasteAddress={(pasted) => setOpened({ kind: 'address', address: pasted })}
    />
  )
  const wishes = {
    use: filters.use,
    contextSize: filters.contextSize ?? useNeeds[filters.use].contextSize,
    kvCacheType: filters.kvCacheType,
    simulate,
    beside: filters.beside,
    ratingOf: (repository: string) => items?.find(({ model }) => model.repositories.includes(repository))?.capability ?? null,
    onClose: () => setOpened(null),
  }
  const [best] = items ?? []
  const nothing = nothingUsable(shown, items)
  useMeasuredCopies()
  return (
    <SimulationContext value={simulation}>
      <Page title={discover.title} tool={tool}>
        <HubBanner onModelScope={place === 'modelscope' ? null : () => search('modelscope')} />
        <SearchPlaceRow
          text={filters.text}
          place={place}
          onChange={(at, text) => {
            setPlace(at)
            setFilters({ ...filters, text })
            // What is open was looked for elsewhere.
            if (opened?.kind === 'hits') open(at, text)
          }}
        />
        {simulation === null && <SpeedOffer />}
        {simulation !== null && (
          <div className="sim-note">
            <Note tone="warn">
              <div className="row wrap" data-testid="simulated">
                <span className="grow">{discover.simulatedNote({ name: simulation.name })}</span>
                <Button size="s" onClick={() => setFilters({ ...filters, simulate: null })}>
                  {discover.backToThisMachine}
                </Button>
              </div>
            </Note>
          </div>
        )}
        {opened?.kind === 'repository' && <RepositoryPanel {...wishes} repository={opened.repository} />}
        {opened?.kind === 'address' && <AddressPanel {...wishes} key={opened.address} address={opened.address} />}
        {opened?.kind === 'hits' && (
          <HubHits
            query={opened.query}
            filters={filters}
            onPick={(picked) => setOpened({ kind: 'repository', repository: picked })}
            onClose={() => setOpened(null)}
          />
        )}
        {query.error !== null && <ErrorNotice error={query.error} />}
        {best !== undefined ? <Hero item={best} /> : query.isPending && <div className="card hero empty-hero" />}
        {nothing !== null && <NothingUsable nothing={nothing} filters={filters} setFilters={setFilters} />}
        <FilterBar filters={filters} setFilters={setFilters} />
        <section className="card flush" aria-label={discover.models}>
          <ViewBar filters={filters} setFilters={setFilters} shown={shown.length} />
          {filters.view === 'chart' && query.data !== undefined ? (
            <Chart items={shown} use={filters.use} />
          ) : (
            <>
              <Head items={shown} filters={filters} />
              {query.isPending && <Skeleton />}
              <ul className="plain" data-rows>
                {shown.map((item) => (
                  <ModelRow key={item.model.id} item={item} />
                ))}
              </ul>
            </>
          )}
          {items !== undefined && shown.length === 0 && <NothingPasses filters={filters} setFilters={setFilters} />}
        </section>
      </Page>
    </SimulationContext>
  )
}

/** What an empty copy did holds for its row at once. */
function useMeasuredCopies(): void {
  const queries = useQueryClient()
  const at = useLive(copyTestLive)?.done?.at
  useEffect(() => {
    if (at === undefined) return
    for (const key of ['discover.recommend', 'discover.files', 'discover.address']) void queries.invalidateQueries({ queryKey: [key] })
  }, [at, queries])
}

/** Asked again when free memory changed by a quarter GiB, keeping what is shown meanwhile. */
function useRecommendations({ use, contextSize, kvCacheType, simulate, beside }: Filters) {
  const report = useLive(machineLive)
  const step = 256 * 1024 * 1024
  const free =
    report === undefined ? null : Math.round((report.ram.available + report.gpus.reduce((sum, gpu) => sum + (gpu.vramFree ?? 0), 0)) / step)
  return useQuery<Recommendation[]>({
    queryKey: ['discover.recommend', use, contextSize, kvCacheType, simulate, beside, free],
    queryFn: () =>
      client.discover.recommend({
        use,
        kvCacheType,
        beside,
        ...(contextSize === null ? {} : { contextSize }),
        ...(simulate === null ? {} : { simulate }),
      }),
    // What this machine said must never stand under another's name, not for a blink.
    placeholderData: (before, query) => ((query?.queryKey[4] === null) === (simulate === null) ? before : undefined),
    staleTime: 60_000,
  })
}

/** The devices that all rows share, so that their lines run down the page, and for which context the sums are. */
function Head({ items, filters }: { items: readonly Recommendation[]; filters: Filters }) {
  const { discover, common } = useMessages()
  const simulation = useSimulation()
  const pools = items[0]?.best.fit.pools ?? []
  const context = count(filters.contextSize ?? useNeeds[filters.use].contextSize)
  return (
    <div className="cols head">
      <span>
        {discover.column.model}
        <span className="if-room">
          {' '}
          · {discover.contextTokens({ tokens: context })}, {filters.kvCacheType}
        </span>
      </span>
      <span className="ends" data-tanks={pools.length}>
        {pools.length === 0
          ? discover.column.memory
          : pools.map((pool) => (
              <span key={pool.id} data-gives-back={pool.returnedBytes > 0}>
                <span className="ell">{pool.id === 'cpu' ? common.ram : pool.name}</span>
                <span
                  title={
                    pool.nowBytes === undefined
                      ? undefined
                      : common.usualShort({ usual: gib(pool.freeBytes + pool.returnedBytes), now: gib(pool.nowBytes + pool.returnedBytes) })
                  }
                >
                  {gib(pool.freeBytes + pool.returnedBytes)}
                </span>
              </span>
            ))}
      </span>
      <span className="num">{discover.column.takes}</span>
      <span>{discover.column.outcome}</span>
      <span className="num">{simulation === null ? discover.column.predicted : discover.column.simulated}</span>
      <span className="num if-room">{discover.column.download}</span>
      <span>{discover.column.quantization}</span>
      <span className="vh">{discover.testHere}</span>
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
  const language = useLanguage()
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
        {filters.licence !== null && (
          <Button onClick={() => setFilters({ ...filters, licence: null })}>
            {discover.clearFilter({ filter: discover.licences[filters.licence] })}
          </Button>
        )}
        {filters.language !== null && (
          <Button onClick={() => setFilters({ ...filters, language: null })}>
            {discover.clearFilter({ filter: languageName(filters.language, language) })}
          </Button>
        )}
        {filters.fitsOnly && (
          <Button onClick={() => setFilters({ ...filters, fitsOnly: false })}>{discover.clearFilter({ filter: discover.fitsOnly })}</Button>
        )}
        <Button kind="quiet" onClick={() => setFilters({ ...noFilters, use: filters.use, simulate: filters.simulate, view: filters.view })}>
          {discover.clearAll}
        </Button>
      </div>
    </EmptyState>
  )
}
