import type { EngineStatus } from '@shared/domain/library'
import { errorValueOf } from '../../lib/errors'
import { useMessages } from '../../lib/i18n'
import { Button, ErrorNotice } from '../../ui'
import { useLoad } from './useLoad'

/** Why the engine failed, and the ways out that a person may choose: they count as a new beginning. */
export function EngineNotice({
  engine,
  contextSize = null,
}: {
  engine: Extract<EngineStatus, { state: 'failed' }>
  contextSize?: number | null
}) {
  const { common, library } = useMessages()
  const { load, error } = useLoad()
  return (
    <>
      {error !== null && errorValueOf(error).code !== engine.error.code && <ErrorNotice error={error} />}
      <ErrorNotice error={engine.error}>
        {engine.canTryCpu && (
          <Button size="s" onClick={() => load(engine.modelId, { contextSize, cpuOnly: true })}>
            {library.loadOnCpu}
          </Button>
        )}
        <Button size="s" onClick={() => load(engine.modelId, { contextSize })}>
          {common.retry}
        </Button>
      </ErrorNotice>
    </>
  )
}
