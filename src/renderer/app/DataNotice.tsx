import { TriangleAlert, X } from 'lucide-react'
import { useState } from 'react'
import { client } from '../lib/client'
import { dateAndTime } from '../lib/format'
import { useLanguage, useMessages } from '../lib/i18n'
import { useAppInfo } from '../lib/queries'
import { Button, IconButton } from '../ui'

/** The data could not be read at this start: what was done about it, and where the damaged file is. Until it is closed. */
export function DataNotice() {
  const { common } = useMessages()
  const language = useLanguage()
  const notice = useAppInfo().data?.notice ?? null
  const [closed, setClosed] = useState(false)
  if (notice === null || closed) return null
  const words = common.dataNotice
  return (
    <div className="data-notice" role="alert" data-testid="data-notice">
      <TriangleAlert className="i s" aria-hidden="true" />
      <div className="grow sel">
        <b className="m">{notice.kind === 'restored' ? words.restored({ at: dateAndTime(notice.backupAt, language) }) : words.fresh}</b>{' '}
        {notice.kept !== null && words.kept({ path: notice.kept })}
      </div>
      <Button size="s" kind="quiet" onClick={() => void client.app.showLogs()}>
        {common.showLogs}
      </Button>
      <IconButton small label={common.close} onClick={() => setClosed(true)}>
        <X className="i s" aria-hidden="true" />
      </IconButton>
    </div>
  )
}
