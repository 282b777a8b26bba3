import { formatBytes } from '@shared/domain/format'
import type { LoadPreset } from '@shared/domain/preset'
import type { FitQuery } from '../../services/recommendation'
import type { Area, HandlerContext } from './context'

export const libraryHandlers = (area: Area<'library'>, { core, dialogs, dropped, info, showInFolder }: HandlerContext) => ({
  list: area.list.handler(() => core.library.list()),
  follow: area.follow.handler(({ signal }) => core.library.follow(signal)),
  addFiles: area.addFiles.handler(async () => {
    const paths = await dialogs.chooseFiles()
    return { chosen: paths.length > 0, ...(await core.library.addFiles(paths)) }
  }),
  addFolder: area.addFolder.handler(async () => {
    const folder = await dialogs.chooseFolder('watch')
    return folder === null ? { chosen: false, added: [] } : { chosen: true, ...(await core.library.addFolder(folder)) }
  }),
  removeFolder: area.removeFolder.handler(({ input }) => {
    core.library.removeFolder(input.index)
    return null
  }),
  chooseModelsFolder: area.chooseModelsFolder.handler(async () => {
    const folder = await dialogs.chooseFolder('downloads')
    if (folder !== null) core.settings.set({ modelsFolder: folder })
    return { changed: folder !== null }
  }),
  adopt: area.adopt.handler(({ input }) => core.library.adopt(input.source)),
  takeDropped: area.takeDropped.handler(({ input }) => core.library.addFiles(dropped.take(input.ticket))),
  forget: area.forget.handler(async ({ input }) => {
    core.library.forget(input.id)
    await core.engine.letGo(input.id)
    return null
  }),
  trash: area.trash.handler(async ({ input }) => {
    const plan = await core.library.whatTrashMoves(input.id)
    if (!(await dialogs.confirmTrash(plan, formatBytes(plan.sizeBytes, info().language)))) return { moved: false }
    // First: Windows moves no file that a process holds.
    await core.engine.letGo(input.id)
    return core.library.trash(input.id, plan.paths)
  }),
  showInFolder: area.showInFolder.handler(({ input }) => {
    showInFolder(core.library.get(input.id).path)
    return null
  }),
  fit: area.fit.handler(({ input: { id, contextSize, gpuLayers } }) => {
    const facts = core.library.facts(id)
    const { path, preset } = core.library.get(id)
    return core.recommendation.fitFile(facts, {
      dryRun: core.dryRuns.soon(path, facts),
      effort: 'row',
      ...asked(preset?.load ?? null),
      ...(contextSize === undefined ? {} : { contextSize }),
      ...(gpuLayers === undefined ? { measuredKey: id } : { gpuLayers }),
    })
  }),
  verify: area.verify.handler(({ input }) => core.care.startVerify(input.id)),
  compare: area.compare.handler(() => core.care.startCompare()),
  move: area.move.handler(async ({ input }) => {
    const folder = await dialogs.chooseFolder('move')
    return folder === null ? { id: null } : core.care.startMove(input.id, folder)
  }),
  checkUpdates: area.checkUpdates.handler(({ signal }) => core.updates.check(signal)),
  lastUpdates: area.lastUpdates.handler(() => core.updates.last()),
  space: area.space.handler(() => core.space()),
  followWork: area.followWork.handler(({ signal }) => core.care.follow(signal)),
  cancelWork: area.cancelWork.handler(({ input }) => {
    core.care.cancel(input.id)
    return null
  }),
  setPreset: area.setPreset.handler(({ input: { id, ...change } }) => core.library.setPreset(id, change)),
})

/** What is priced is what would be loaded. */
function asked(load: LoadPreset | null): FitQuery {
  return {
    ...(load?.contextSize == null ? {} : { contextSize: load.contextSize }),
    ...(load?.gpuLayers == null ? {} : { gpuLayers: load.gpuLayers }),
    ...(load?.kvCacheType == null ? {} : { kvCacheType: load.kvCacheType }),
  }
}

export const engineHandlers = (area: Area<'engine'>, { core }: HandlerContext) => ({
  load: area.load.handler(async ({ input: { modelId, ...wishes } }) => {
    await core.library.pathForLoad(modelId)
    await core.loading.load(modelId, wishes)
    return null
  }),
  unload: area.unload.handler(async () => {
    await core.engine.unload()
    return null
  }),
  follow: area.follow.handler(({ signal }) => core.engine.followStatus(signal)),
  moved: area.moved.handler(() => core.spillWatch.moved()),
})
