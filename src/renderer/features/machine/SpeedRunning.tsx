import type { CalibrationView } from '@shared/ipc/machine'
import { timeLeft } from '../../lib/format'
import { useLanguage, useMessages } from '../../lib/i18n'
import { Button } from '../../ui'

export function SpeedRunning({ running, onCancel }: { running: NonNullable<CalibrationView['running']>; onCancel: () => void }) {
  const { machine, common } = useMessages()
  const language = useLanguage()
  return (
    <>
      <div className="row">
        <span className="t2 grow" role="status">
          {machine.speedRunning({ left: timeLeft(running.secondsLeft, language) })}
        </span>
        <Button kind="quiet" size="s" onClick={onCancel}>
          {common.cancel}
        </Button>
      </div>
      <progress className="speed-progress" max={1} value={running.fraction} aria-label={machine.speedTitle} />
    </>
  )
}
