import { rename, rm, writeFile } from 'node:fs/promises'
import type { Bytes } from '@shared/domain/units'
import type { LoadedModel, LoadRequest } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import { collectGarbage } from './garbage'
import type { EngineLog } from './llama'
import { generate, type ModelSession } from './generate'
import { loadModel } from './llamaRunner'
import { promptTokens } from './promptTokens'
import type { RoleHandlers } from './server'
import { readStateNote, stateNote, stateNotePath } from './stateFile'

/** The calls of a process that holds one model. Unloading is ending the process. */
export function createModelRole(log: EngineLog): RoleHandlers {
  let session: (ModelSession & { loaded: LoadedModel; request: LoadRequest; modelBytes: Bytes; residentBefore: Bytes }) | null = null
  let busy = false

  const loaded = () => {
    if (session === null) throw new SnugError('model/not-loaded', 'no model is loaded in this process')
    return session
  }
  /** One thing at a time: there is one sequence. */
  const alone = async <T>(work: () => Promise<T>): Promise<T> => {
    if (busy) throw new SnugError('engine/busy', 'the model is busy with another call')
    busy = true
    try {
      return await work()
    } finally {
      busy = false
    }
  }

  return {
    load: (request, call) =>
      alone(async () => {
        if (session !== null) throw new SnugError('engine/busy', 'this process holds a model already')
        session = { ...(await loadModel(request, call, log)), request }
        return session.loaded
      }),
    count: ({ prompt }) => ({ tokens: promptTokens(prompt, loaded().vocabulary).length }),
    generate: (request, call) =>
      alone(async () => {
        const current = loaded()
        try {
          return await generate(current, request, call)
        } catch (error) {
          if (error instanceof SnugError) throw error
          // A failed evaluation leaves cells that nobody knows: the next prompt starts from nothing.
          await current.sequence.clearHistory()
          throw new SnugError(
            'engine/crashed',
            `evaluation failed: ${error instanceof Error ? error.message : String(error)}`,
            {},
            { cause: error },
          )
        } finally {
          // Once the reply is out.
          setImmediate(collectGarbage)
        }
      }),
    // Keeps nobody waiting: a reply may begin meanwhile.
    grown: async ({ settleMs }) => {
      const { residentBefore } = loaded()
      collectGarbage()
      await new Promise((resolve) => setTimeout(resolve, settleMs))
      return { bytes: busy ? null : process.memoryUsage.rss() - residentBefore }
    },
    saveState: ({ path }) =>
      alone(async () => {
        const current = loaded()
        const partial = `${path}.part`
        try {
          await current.sequence.saveStateToFile(partial)
          await writeFile(stateNotePath(path), stateNote(current))
          await rename(partial, path)
          return { bytes: (await readStateNote(path, current)).bytes }
        } catch (error) {
          await rm(partial, { force: true })
          throw error
        }
      }),
    loadState: ({ path }) =>
      alone(async () => {
        const current = loaded()
        await readStateNote(path, current)
        await current.sequence.loadStateFromFile(path, { acceptRisk: true })
        return { tokens: current.sequence.nextTokenIndex }
      }),
  }
}
