import type { CalibrationView } from '@shared/ipc/machine'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { client } from '../../lib/client'
import { calibrationLive, engineLive, useLive } from '../../lib/live'

/** When the newest figures were measured that prices on the pages go by: kept where the prices are. */
const measuredAt = ['machine.measuredAt']

/** The measurement of this machine, to be started and cancelled from wherever it is shown. */
export function useCalibration(): {
  view: CalibrationView | undefined
  /** A load would be slowed down, and so would the measurement. */
  wrongTime: boolean
  error: unknown
  start: () => void
  cancel: () => void
} {
  const view = useLive(calibrationLive)
  const engine = useLive(engineLive)
  const [error, setError] = useState<unknown>(null)
  const queries = useQueryClient()
  const newest = view === undefined ? undefined : Math.max(0, ...view.results.map(({ at }) => at))
  useEffect(() => {
    if (newest === undefined) return
    const before = queries.getQueryData(measuredAt)
    queries.setQueryDefaults(measuredAt, { gcTime: Infinity })
    queries.setQueryData(measuredAt, newest)
    // Every price on every page goes by the new figures.
    if (before !== undefined && before !== newest) void queries.invalidateQueries()
  }, [newest, queries])
  return {
    view,
    wrongTime: engine?.state === 'loading',
    error: error ?? (view?.running === null ? view.error : null),
    start: () => {
      setError(null)
      client.machine.calibrate().catch(setError)
    },
    cancel: () => void client.machine.cancelCalibration().catch(setError),
  }
}
