import { Gauge } from 'lucide-react'
import { client } from '../../lib/client'
import { useMessages } from '../../lib/i18n'
import { settingsLive, useLive } from '../../lib/live'
import { Button, ErrorNotice } from '../../ui'
import './machine.css'
import { SpeedRunning } from './SpeedRunning'
import { useCalibration } from './useCalibration'

/** Until this machine was measured once, or the offer was declined: one click, and never by itself. */
export function SpeedOffer() {
  const { machine } = useMessages()
  const settings = useLive(settingsLive)
  const { view, wrongTime, error, start, cancel } = useCalibration()
  if (view === undefined || settings === undefined || view.results.length > 0) return null
  if (settings.speedOfferDeclined && view.running === null) return null
  return (
    <section className="card speed-card speed-offer" aria-label={machine.speedTitle} data-testid="speed-offer">
      {view.running === null ? (
        <div className="row wrap">
          <Gauge className="i s t3" aria-hidden="true" />
          <span className="t2 grow">{machine.speedOffer}</span>
          <Button size="s" disabled={wrongTime} onClick={start}>
            {machine.speedMeasure}
          </Button>
          <Button kind="quiet" size="s" onClick={() => void client.app.setSettings({ speedOfferDeclined: true })}>
            {machine.speedOfferDecline}
          </Button>
        </div>
      ) : (
        <SpeedRunning running={view.running} onCancel={cancel} />
      )}
      {error !== null && <ErrorNotice error={error} />}
    </section>
  )
}
