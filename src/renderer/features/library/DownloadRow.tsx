import type { Download } from '@shared/domain/library'
import { quantizationInName } from '@shared/domain/quantization'
import { shortSource, sourceKind } from '@shared/domain/source'
import { ArrowDown, ArrowUp, ArrowUpToLine, MoreHorizontal, Pause, Play, RotateCcw, X } from 'lucide-react'
import { useState } from 'react'
import { client } from '../../lib/client'
import { isErrorCode } from '../../lib/errors'
import { percent, perSecond, size, timeLeft } from '../../lib/format'
import { useLanguage, useMessages } from '../../lib/i18n'
import { Button, ErrorNotice, IconButton, Menu } from '../../ui'
import { DownloadTrouble, TriesAgain } from './DownloadTrouble'
import { useChatWith } from '../../lib/useChatWith'
import { segments } from './segments'

/** `queue`: the ids of those that are not over, in the order in which they run. */
export function DownloadRow({ download, queue }: { download: Download; queue: readonly string[] }) {
  const { library, errors, common } = useMessages()
  const language = useLanguage()
  const [error, setError] = useState<unknown>(null)
  const chat = useChatWith()
  const { id, state, totalBytes, receivedBytes, verifiedBytes } = download
  const name = shortSource(download.repository)
  const unverified = sourceKind(download.repository) === 'address'
  const run = (work: Promise<unknown>) => {
    setError(null)
    void work.catch(setError)
  }
  const trouble = isErrorCode(download.trouble) ? download.trouble : null
  const running = state === 'running' || state === 'verifying' || state === 'queued'
  const share = totalBytes > 0 ? receivedBytes / totalBytes : 0
  const sentence = library.progressSentence({
    name: `${name} ${quantizationInName(download.file) ?? ''}`.trim(),
    percent: percent(share),
    verified: percent(totalBytes > 0 ? verifiedBytes / totalBytes : 0),
  })
  const progress =
    state === 'running' || state === 'verifying'
      ? library.received({ received: size(receivedBytes), total: size(totalBytes) })
      : state === 'paused' || state === 'failed'
        ? library.kept({ received: size(receivedBytes), total: size(totalBytes) })
        : size(totalBytes)
  return (
    <li className="dl" data-testid="download-row" data-state={state}>
      <div className="dl-grid">
        <div className="col">
          <b className="ell" title={download.file}>
            {name}
          </b>
          <span className="t3 f11 mono ell">{quantizationInName(download.file) ?? download.file}</span>
        </div>
        <div className="col">
          <span
            className={running || state === 'done' ? 'prog' : 'prog paused'}
            role="progressbar"
            aria-label={sentence}
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={Math.round(share * 100)}
          >
            {segments(totalBytes, receivedBytes, verifiedBytes).map((piece, place) => (
              // A segment is its place in the file.
              <i key={place} className={piece === 'todo' ? undefined : piece} />
            ))}
          </span>
          <span className={trouble === null ? 't3 f11' : 'warn f11'}>
            {trouble === null
              ? unverified && state === 'done'
                ? library.arrivedUnverified
                : library.downloadState[state]
              : `${errors[trouble].title}${common.listSeparator}${library.triesAgain}`}
            {download.retryAt != null && (
              <>
                {' · '}
                <TriesAgain at={download.retryAt} />
              </>
            )}
            {verifiedBytes > 0 && state !== 'done' && ` · ${library.segments({ verified: size(verifiedBytes), total: size(totalBytes) })}`}
          </span>
        </div>
        <div className="col num">
          <span>{state === 'running' && download.bytesPerSecond !== null ? perSecond(download.bytesPerSecond) : ' '}</span>
          <span className="t3 f11">
            {progress}
            {state === 'running' &&
              download.secondsLeft !== null &&
              ` · ${library.left({ time: timeLeft(download.secondsLeft, language) })}`}
          </span>
        </div>
        <div className="row end">
          {state === 'running' || state === 'queued' ? (
            <IconButton label={`${library.pause}: ${name}`} onClick={() => run(client.downloads.pause({ id }))}>
              <Pause className="i" aria-hidden="true" />
            </IconButton>
          ) : state === 'paused' ? (
            <IconButton label={`${library.resume}: ${name}`} onClick={() => run(client.downloads.resume({ id }))}>
              <Play className="i" aria-hidden="true" />
            </IconButton>
          ) : state === 'failed' ? (
            <IconButton label={`${library.resume}: ${name}`} onClick={() => run(client.downloads.resume({ id }))}>
              <RotateCcw className="i" aria-hidden="true" />
            </IconButton>
          ) : null}
          {state === 'done' && download.modelId !== null && (
            <Button size="s" onClick={() => chat(download.modelId ?? '')}>
              {library.loadAndChat}
            </Button>
          )}
          <QueueMenu id={id} name={name} queue={queue} run={run} />
          {running || state === 'paused' ? (
            <IconButton label={`${library.cancelDownload}: ${name}`} onClick={() => run(client.downloads.cancel({ id }))}>
              <X className="i" aria-hidden="true" />
            </IconButton>
          ) : (
            <IconButton label={`${library.dismiss}: ${name}`} onClick={() => run(client.downloads.dismiss({ id }))}>
              <X className="i" aria-hidden="true" />
            </IconButton>
          )}
        </div>
      </div>
      {error !== null && <ErrorNotice error={error} />}
      {error === null && <DownloadTrouble download={download} />}
    </li>
  )
}

function QueueMenu({
  id,
  name,
  queue,
  run,
}: {
  id: string
  name: string
  queue: readonly string[]
  run: (work: Promise<unknown>) => void
}) {
  const { library } = useMessages()
  const place = queue.indexOf(id)
  if (place < 0 || queue.length < 2) return null
  const to = (where: 'up' | 'down' | 'top') => () => run(client.downloads.move({ id, to: where }))
  return (
    <Menu
      trigger={
        <IconButton label={library.orderOf({ name })}>
          <MoreHorizontal className="i" aria-hidden="true" />
        </IconButton>
      }
      entries={[
        {
          id: 'top',
          label: library.moveTop,
          icon: <ArrowUpToLine className="i s" aria-hidden="true" />,
          disabled: place === 0,
          run: to('top'),
        },
        { id: 'up', label: library.moveUp, icon: <ArrowUp className="i s" aria-hidden="true" />, disabled: place === 0, run: to('up') },
        {
          id: 'down',
          label: library.moveDown,
          icon: <ArrowDown className="i s" aria-hidden="true" />,
          disabled: place === queue.length - 1,
          run: to('down'),
        },
      ]}
    />
  )
}
