import type { Download } from '@shared/domain/library'
import { Download as DownloadIcon, MessageSquare, Play } from 'lucide-react'
import { addressTrouble } from '../../lib/addressTrouble'
import { client } from '../../lib/client'
import { percent, size } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { downloadsLive, libraryLive, useLive } from '../../lib/live'
import type { Offer } from '../../lib/offer'
import { useChatWith } from '../../lib/useChatWith'
import { Button, ErrorNotice, IconButton, Note } from '../../ui'
import { DownloadTrouble, TriesAgain } from '../library'
import { useObtain } from '../obtain'
import { downloadOf, inLibrary, isAddressOffer } from './matching'

/** Choose, download, load, chat: one control that changes as the work goes on. */
export function Obtain({ offer, large = false }: { offer: Offer; large?: boolean }) {
  const { discover } = useMessages()
  const models = useLive(libraryLive) ?? []
  const downloads = useLive(downloadsLive) ?? []
  const { download, error, asking, tooBig } = useObtain()
  const chat = useChatWith()
  const there = inLibrary(offer, models)
  const running = there === null ? downloadOf(offer, downloads) : null
  const name = `${offer.name} ${offer.quantization}`
  const trouble = (value: unknown) => (isAddressOffer(offer) ? addressTrouble(value, discover.address.trouble) : undefined)
  // What cannot run here has no chat to open.
  const runs = offer.said?.runs !== false && offer.here?.verdict !== 'too-big' && tooBig === null
  const words = offer.sizeIsExact ? size(offer.sizeBytes) : discover.aboutSize({ size: size(offer.sizeBytes) })
  return (
    <span className={large ? 'obtain l' : 'obtain'}>
      {there !== null && large ? (
        <Button kind="primary" size="l" aria-label={discover.loadAndChatNamed({ name })} onClick={() => chat(there.id)}>
          <MessageSquare className="i s" aria-hidden="true" />
          {discover.loadAndChat}
        </Button>
      ) : there !== null ? (
        <IconButton className="accent" label={discover.loadAndChatNamed({ name })} onClick={() => chat(there.id)}>
          <MessageSquare className="i" aria-hidden="true" />
        </IconButton>
      ) : running !== null && running.state !== 'done' && running.state !== 'failed' ? (
        <>
          <Ring download={running} name={name} />
          {large && running.thenChat === true && <span className="t3 f11">{discover.thenChat}</span>}
        </>
      ) : offer.repository === null ? (
        <span className="t3 f11">{large ? discover.notOnHub : '—'}</span>
      ) : large ? (
        <span className="row wrap">
          {runs && (
            <Button
              kind="primary"
              size="l"
              disabled={asking}
              aria-label={discover.downloadAndChatNamed({ name })}
              onClick={() => download(offer, true)}
            >
              <DownloadIcon className="i" aria-hidden="true" />
              {discover.downloadAndChat({ size: words })}
            </Button>
          )}
          <Button
            kind={runs ? 'quiet' : 'primary'}
            size="l"
            disabled={asking}
            aria-label={discover.downloadNamed({ name })}
            onClick={() => download(offer, false)}
          >
            {!runs && <DownloadIcon className="i" aria-hidden="true" />}
            {runs ? discover.downloadOnly : discover.download({ size: words })}
          </Button>
        </span>
      ) : (
        <IconButton label={discover.downloadNamed({ name })} disabled={asking} onClick={() => download(offer, false)}>
          <DownloadIcon className="i" aria-hidden="true" />
        </IconButton>
      )}
      {tooBig !== null && (
        <Note tone="warn">
          {tooBig === offer.here
            ? discover.hereTooBig({ takes: size(tooBig.totalBytes) })
            : discover.exactTooBig({ takes: size(tooBig.totalBytes) })}
        </Note>
      )}
      {error !== null && <ErrorNotice error={error} words={trouble(error)} />}
      {running !== null && error === null && <DownloadTrouble download={running} />}
      {running?.retryAt != null && (
        <span className="t3 f11">
          <TriesAgain at={running.retryAt} />
        </span>
      )}
    </span>
  )
}

/** Progress in the row: a ring with per cent, and a word for what is going on. */
function Ring({ download, name }: { download: Download; name: string }) {
  const { discover, library } = useMessages()
  const share = download.totalBytes > 0 ? download.receivedBytes / download.totalBytes : 0
  const shown = percent(share)
  const text =
    download.state === 'queued'
      ? discover.waiting
      : download.state === 'verifying'
        ? discover.checking
        : download.state === 'paused'
          ? discover.paused({ percent: shown })
          : discover.progress({ percent: shown })
  if (download.state === 'paused') {
    return (
      <IconButton label={`${library.resume}: ${name} (${text})`} onClick={() => void client.downloads.resume({ id: download.id })}>
        <Play className="i" aria-hidden="true" />
      </IconButton>
    )
  }
  const around = 2 * Math.PI * 7
  return (
    <span
      className="ring"
      role="progressbar"
      aria-label={name}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(share * 100)}
      aria-valuetext={text}
      title={text}
    >
      <svg viewBox="0 0 18 18" aria-hidden="true">
        <circle className="track" cx="9" cy="9" r="7" />
        <circle className="done" cx="9" cy="9" r="7" strokeDasharray={`${share * around} ${around}`} transform="rotate(-90 9 9)" />
      </svg>
      <span className="f11">{download.state === 'verifying' ? discover.checking : shown}</span>
    </span>
  )
}
