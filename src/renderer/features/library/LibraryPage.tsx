import type { LibraryModel, UpdateCheck } from '@shared/domain/library'
import { BookOpen, Copy, FilePlus, FolderPlus, RefreshCw } from 'lucide-react'
import { useEffect, useState } from 'react'
import { client } from '../../lib/client'
import { dateAndTime, size } from '../../lib/format'
import { useLanguage, useMessages } from '../../lib/i18n'
import { downloadsLive, engineLive, libraryLive, libraryWorkLive, useLive } from '../../lib/live'
import { Button, EmptyState, ErrorNotice, Page, SearchInput } from '../../ui'
import { DiskCard } from './DiskCard'
import { DownloadRow } from './DownloadRow'
import './library.css'
import { LibraryRow } from './LibraryRow'
import { type Added, useTellAdded } from './useTellAdded'
import { WatchedFolders } from './WatchedFolders'
import { WorkLine } from './WorkLine'

export function LibraryPage() {
  const { library, common } = useMessages()
  const language = useLanguage()
  const all = useLive(libraryLive)
  const models = all ?? []
  const downloads = (useLive(downloadsLive) ?? []).filter(({ state }) => state !== 'cancelled')
  const queue = downloads.filter(({ state }) => state !== 'done').map(({ id }) => id)
  const engine = useLive(engineLive) ?? { state: 'empty' as const }
  const works = useLive(libraryWorkLive) ?? []
  const [updates, setUpdates] = useState<UpdateCheck | null>(null)
  const [asking, setAsking] = useState(false)
  const check = () => {
    setError(null)
    setAsking(true)
    client.library
      .checkUpdates()
      .then(setUpdates, setError)
      .finally(() => setAsking(false))
  }
  const [text, setText] = useState('')
  const [error, setError] = useState<unknown>(null)
  useEffect(() => {
    client.library.lastUpdates().then((last) => setUpdates((now) => now ?? last), setError)
  }, [])
  const wanted = text.trim().toLowerCase()
  const shown = models.filter(({ name, fileName }) => `${name} ${fileName}`.toLowerCase().includes(wanted))
  const missing = models.filter(({ state }) => state === 'missing').length
  const largest = models.reduce((most, { sizeBytes }) => Math.max(most, sizeBytes), 0)
  const tell = useTellAdded()
  const add = (work: Promise<Added>) => {
    setError(null)
    work.then(tell).catch(setError)
  }
  const buttons = (
    <>
      <Button onClick={() => add(client.library.addFiles())}>
        <FilePlus className="i s" aria-hidden="true" />
        {library.addFile}
      </Button>
      <Button onClick={() => add(client.library.addFolder())}>
        <FolderPlus className="i s" aria-hidden="true" />
        {library.addFolder}
      </Button>
    </>
  )
  const tool = (
    <>
      <SearchInput look="narrow" label={library.search} placeholder={library.search} value={text} onText={setText} />
      {buttons}
    </>
  )
  return (
    <Page title={library.title} tool={tool}>
      {error !== null && <ErrorNotice error={error} />}
      {downloads.length > 0 && (
        <section aria-label={library.downloads}>
          <h2 className="h2">{library.downloads}</h2>
          <ul className="plain card flush">
            {downloads.map((download) => (
              <DownloadRow key={download.id} download={download} queue={queue} />
            ))}
          </ul>
        </section>
      )}
      <section aria-label={library.models} className={downloads.length > 0 ? 'section' : undefined}>
        <h2 className="h2">
          {library.models}{' '}
          <span className="t3">
            {library.modelsSummary({ count: models.length, size: size(models.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)) })}
            {missing > 0 && `${common.listSeparator}${library.missingCount({ count: missing })}`}
          </span>
          {models.length > 0 && (
            <Button kind="quiet" size="s" className="end" disabled={asking} onClick={check}>
              <RefreshCw className="i xs" aria-hidden="true" />
              {asking ? library.care.checking : library.care.checkUpdates}
            </Button>
          )}
          {models.length > 1 && (
            <Button
              kind="quiet"
              size="s"
              onClick={() => {
                setError(null)
                client.library.compare().catch(setError)
              }}
            >
              <Copy className="i xs" aria-hidden="true" />
              {library.care.compare}
            </Button>
          )}
        </h2>
        {updates !== null && (
          <div className="row" data-testid="updates" role="status">
            <span className="t2 f12">
              {updates.updates.length === 0
                ? library.care.noUpdates({ count: updates.checked })
                : library.care.updates({ count: updates.updates.length })}{' '}
              <span className="t3">{library.care.askedAt({ when: dateAndTime(updates.at, language) })}</span>
            </span>
          </div>
        )}
        {updates?.error != null && <ErrorNotice error={updates.error} />}
        {works
          .filter(({ modelId }) => modelId === null)
          .map((work) => (
            <WorkLine key={work.id} work={work} result={<Duplicates models={models} />} />
          ))}
        {all !== undefined && models.length === 0 ? (
          <div className="card">
            <EmptyState icon={<BookOpen aria-hidden="true" />} title={library.dropHere} body={library.dropHint}>
              <div className="row wrap center">{buttons}</div>
            </EmptyState>
          </div>
        ) : (
          <div className="card flush">
            <div className="lib-grid lib-head">
              <span>{library.column.model}</span>
              <span>{library.column.size}</span>
              <span />
              <span>{library.column.where}</span>
              <span className="num">{library.column.speed}</span>
              <span className="vh">{library.column.actions}</span>
            </div>
            <ul className="plain">
              {shown.map((model) => (
                <LibraryRow
                  key={model.id}
                  model={model}
                  engine={engine}
                  largest={largest}
                  copy={models.find(({ id }) => model.sameAs?.includes(id)) ?? null}
                  update={updates?.updates.find(({ modelId }) => modelId === model.id) ?? null}
                  works={works.filter(({ modelId }) => modelId === model.id)}
                />
              ))}
            </ul>
            {all !== undefined && shown.length === 0 && (
              <EmptyState title={library.noMatch}>
                <Button onClick={() => setText('')}>{library.clearSearch}</Button>
              </EmptyState>
            )}
          </div>
        )}
      </section>
      <WatchedFolders onError={setError} />
      <DiskCard models={models} downloads={downloads} />
    </Page>
  )
}

/** One of each group stays; the others are copies. */
function Duplicates({ models }: { models: readonly LibraryModel[] }) {
  const { care } = useMessages().library
  const copies = models.filter(({ id, sameAs }) => sameAs?.some((other) => other < id))
  if (copies.length === 0) return care.noDuplicates
  return care.duplicates({ count: copies.length, size: size(copies.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)) })
}
