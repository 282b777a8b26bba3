import { RefreshCw } from 'lucide-react'
import { useState } from 'react'
import { client } from '../../lib/client'
import { useMessages } from '../../lib/i18n'
import { machineLive, useLive } from '../../lib/live'
import { Button, ErrorNotice, Page } from '../../ui'
import { Devices } from './Devices'
import { Engines } from './Engines'
import { Limits } from './Limits'
import './machine.css'
import { Speed } from './Speed'
import { WhatFits } from './WhatFits'

export function MachinePage() {
  const { machine } = useMessages()
  const report = useLive(machineLive)
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const again = () => {
    setError(null)
    setBusy(true)
    client.machine
      .report({ fresh: true })
      .catch(setError)
      .finally(() => setBusy(false))
  }
  const tool = (
    <>
      {report !== undefined && (
        <span className="t2 f12 nw sel">{machine.os({ name: report.os.name, release: report.os.release, arch: report.os.arch })}</span>
      )}
      <Button kind="quiet" size="s" disabled={busy} onClick={again}>
        <RefreshCw className="i s" aria-hidden="true" />
        {busy ? machine.measuring : machine.refresh}
      </Button>
    </>
  )
  return (
    <Page title={machine.title} tool={tool}>
      {error !== null && <ErrorNotice error={error} />}
      {report === undefined ? (
        <p className="t2">{machine.measuring}</p>
      ) : (
        <div className="machine">
          <Devices report={report} />
          <div className="col gap">
            <Engines report={report} />
            <Speed />
            <Limits report={report} />
            <WhatFits />
          </div>
        </div>
      )}
    </Page>
  )
}
