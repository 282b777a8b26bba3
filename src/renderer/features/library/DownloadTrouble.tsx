import type { Download } from '@shared/domain/library'
import { sourceKind } from '@shared/domain/source'
import { useEffect, useState } from 'react'
import { addressTrouble } from '../../lib/addressTrouble'
import { client } from '../../lib/client'
import { size, timeLeft } from '../../lib/format'
import { useLanguage, useMessages } from '../../lib/i18n'
import { Button, ErrorNotice } from '../../ui'

/** Why a download stands still, and the way on. */
export function DownloadTrouble({ download: { state, error, repository } }: { download: Download }) {
  const { library, discover } = useMessages()
  if (error === null || (state !== 'paused' && state !== 'failed')) return null
  const words = sourceKind(repository) === 'address' ? addressTrouble(error, discover.address.trouble) : undefined
  const { neededBytes, path } = error.data
  return (
    <ErrorNotice error={error} words={words}>
      {error.code === 'download/disk-full' ? (
        <span>{library.care.needs({ size: size(Number(neededBytes)), path: String(path) })}</span>
      ) : error.code === 'network/offline' ? (
        <Button size="s" onClick={() => void client.app.setSettings({ offline: false })}>
          {discover.goOnline}
        </Button>
      ) : undefined}
    </ErrorNotice>
  )
}

/** Apart from the notice, which a screen reader would read out each second. */
export function TriesAgain({ at }: { at: number }) {
  const { library } = useMessages()
  const language = useLanguage()
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [])
  return library.triesAgainIn({ time: timeLeft(Math.max(0, at - now) / 1_000, language) })
}
