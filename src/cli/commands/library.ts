import type { Command } from 'commander'
import { formatBytes } from '@shared/domain/format'
import type { KvCacheType } from '@shared/domain/gguf'
import type { LibraryModel } from '@shared/domain/library'
import { type ModelPreset, automaticPreset } from '@shared/domain/preset'
import { type ErrorCode, SnugError } from '@shared/errors'
import { findDownload } from '../downloadTarget'
import { decimal, gpuLayers, integer, kvCacheType, orAuto } from '../options'
import { exitCodes } from '../output'
import type { Verified } from '../../main/services/libraryCare'
import { type Run, command } from '../run'
import { help } from '../words'

function line(model: LibraryModel, language: 'en' | 'zh-CN'): string {
  return `${model.id}  ${model.state.padEnd(8)}  ${formatBytes(model.sizeBytes, language).padStart(9)}  ${model.quantization.padEnd(8)}  ${model.name}\n  ${model.path}`
}

const named = (id: string) => (item: LibraryModel) => item.id === id || item.fileName === id || item.name === id

function isModel(models: LibraryModel[], id: string): boolean {
  return models.some(named(id))
}

function find(models: LibraryModel[], id: string): LibraryModel {
  const model = models.find(named(id))
  if (model === undefined) throw new SnugError('model/not-found', `no model ${id} in the library`, { id })
  return model
}

interface PresetFlags {
  context?: number | 'auto'
  gpuLayers?: number | 'max' | 'auto'
  kv?: KvCacheType | 'auto'
  threads?: number | 'auto'
  temperature?: number | 'auto'
  topP?: number | 'auto'
  topK?: number | 'auto'
  minP?: number | 'auto'
  reset?: boolean
}

function changedPreset({ load, sampling }: ModelPreset, flags: PresetFlags): ModelPreset {
  const pick = <T>(flag: T | 'auto' | undefined, before: T | null): T | null =>
    flag === undefined ? before : flag === 'auto' ? null : flag
  return {
    load: {
      contextSize: pick(flags.context, load.contextSize),
      gpuLayers: pick(flags.gpuLayers, load.gpuLayers),
      kvCacheType: pick(flags.kv, load.kvCacheType),
      threads: pick(flags.threads, load.threads),
    },
    sampling: {
      ...sampling,
      temperature: pick(flags.temperature, sampling.temperature),
      topP: pick(flags.topP, sampling.topP),
      topK: pick(flags.topK, sampling.topK),
      minP: pick(flags.minP, sampling.minP),
    },
  }
}

export function addLibrary(program: Command): void {
  program
    .command('list')
    .description(help.commands.list)
    .option('--downloads', help.unfinished)
    .action(
      command(async ({ core, out }: Run, { downloads }: { downloads?: boolean }) => {
        if (downloads) {
          const rows = core.downloads.list().filter((row) => row.state !== 'done' && row.state !== 'cancelled')
          out.result(rows, () =>
            rows
              .map(
                (row, place) =>
                  `${String(place + 1).padStart(2)}. ${row.id}  ${row.state.padEnd(9)} ${row.repository} ${row.file} ${formatBytes(row.receivedBytes, out.language)} / ${formatBytes(row.totalBytes, out.language)}`,
              )
              .join('\n'),
          )
          return
        }
        await core.library.scan()
        const models = core.library.list()
        out.result(models, () =>
          models.length === 0 ? out.words.cli.noModels : models.map((model) => line(model, out.language)).join('\n'),
        )
      }),
    )

  program
    .command('verify')
    .argument('[id]', help.idOrAll)
    .description(help.commands.verify)
    .action(
      command(async ({ core, out, signal }: Run, id: string | undefined) => {
        await core.library.scan()
        const models = id === undefined ? core.library.list().filter((model) => model.state !== 'missing') : [find(core.library.list(), id)]
        const progress = (total: number) => (done: number) =>
          out.progress(out.words.cli.checking({ percent: Math.floor((done / Math.max(1, total)) * 100) }))
        const results: { id: string; path: string; state: Verified }[] = []
        for (const { id: modelId, path, sizeBytes } of models)
          results.push({ id: modelId, path, state: await core.care.verify(modelId, signal, progress(sizeBytes)) })
        const words = {
          unknown: out.words.cli.verifiedOwn,
          verified: out.words.cli.verifiedOk,
          wrong: out.words.cli.verifiedBad,
          same: out.words.cli.verifiedSame,
        }
        out.result(results, () => results.map(({ path, state }) => words[state]({ name: path })).join('\n'))
        return results.some((result) => result.state === 'wrong') ? exitCodes.failed : exitCodes.done
      }),
    )

  program
    .command('move')
    .argument('<id>', help.id)
    .argument('<folder>', help.folder)
    .description(help.commands.move)
    .action(
      command(async ({ core, out, signal }: Run, id: string, folder: string) => {
        await core.care.cleanUp()
        const model = find(core.library.list(), id)
        await core.care.move(model.id, folder, signal, (done) =>
          out.progress(out.words.cli.moving({ percent: Math.floor((done / Math.max(1, 2 * model.sizeBytes)) * 100) })),
        )
        const { path } = core.library.get(model.id)
        out.result({ id: model.id, from: model.path, path, sizeBytes: model.sizeBytes }, () => out.words.cli.moved({ path }))
      }),
    )

  program
    .command('duplicates')
    .description(help.commands.duplicates)
    .action(
      command(async ({ core, out, signal }: Run) => {
        await core.library.scan()
        await core.care.compare(signal, (done) => out.progress(out.words.cli.comparing({ read: formatBytes(done, out.language) })))
        const groups = new Map<string, LibraryModel[]>()
        for (const model of core.library.list()) {
          const { sameAs } = model
          if (sameAs == null) continue
          const key = [model.id, ...sameAs].sort().join()
          groups.set(key, [...(groups.get(key) ?? []), model])
        }
        const found = [...groups.values()].map((models) => ({
          freeableBytes: models.slice(1).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
          models: models.map(({ id, path, sizeBytes }) => ({ id, path, sizeBytes })),
        }))
        out.result(found, () =>
          found.length === 0
            ? out.words.cli.noDuplicates
            : found
                .map(({ freeableBytes, models }) =>
                  [
                    out.words.cli.duplicates({ size: formatBytes(freeableBytes, out.language) }),
                    ...models.map(({ id, path }) => `  ${id}  ${path}`),
                  ].join('\n'),
                )
                .join('\n'),
        )
      }),
    )

  program
    .command('updates')
    .description(help.commands.updates)
    .action(
      command(async ({ core, out, signal }: Run) => {
        const found = await core.updates.check(signal)
        if (found.error !== null && found.checked === 0) throw SnugError.from({ ...found.error, code: found.error.code as ErrorCode })
        out.result(found, () =>
          found.updates.length === 0
            ? out.words.library.care.noUpdates({ count: found.checked })
            : found.updates.map(({ repository, file }) => out.words.cli.updateAt({ repository, file })).join('\n'),
        )
      }),
    )

  program
    .command('preset')
    .argument('<id>', help.id)
    .description(help.commands.preset)
    .option('--context <n|auto>', help.context, orAuto(integer(256, 10_000_000)))
    .option('--gpu-layers <n|max|auto>', help.gpuLayers, gpuLayers)
    .option('--kv <type|auto>', help.kv, orAuto(kvCacheType))
    .option('--threads <n|auto>', help.threadsKept, orAuto(integer(1, 512)))
    .option('--temperature <t|auto>', help.temperature, orAuto(decimal(0, 2)))
    .option('--top-p <p|auto>', help.topP, orAuto(decimal(0, 1)))
    .option('--top-k <k|auto>', help.topK, orAuto(integer(0, 100_000)))
    .option('--min-p <p|auto>', help.minP, orAuto(decimal(0, 1)))
    .option('--reset', help.reset)
    .action(
      command(async ({ core, out }: Run, id: string, flags: PresetFlags) => {
        const model = find(core.library.list(), id)
        const changed = changedPreset(flags.reset === true ? automaticPreset : (model.preset ?? automaticPreset), flags)
        const { preset, sampling, samplingFrom } = core.library.setPreset(model.id, changed)
        const kept = preset ?? automaticPreset
        out.result({ id: model.id, ...kept, recommended: sampling ?? null, recommendedBy: samplingFrom ?? null }, () =>
          Object.entries({ ...kept.load, ...kept.sampling })
            .map(([name, value]) => `${name.padEnd(14)} ${value ?? out.words.library.preset.automatic}`)
            .join('\n'),
        )
      }),
    )

  program
    .command('remove')
    .argument('<id>', help.idOfEither)
    .description(help.commands.remove)
    .option('--trash', help.trash)
    .action(
      command(async ({ core, out }: Run, id: string, { trash }: { trash?: boolean }) => {
        const models = core.library.list()
        const download = isModel(models, id) ? null : findDownload(core.downloads.list(), id)
        if (download !== null) {
          const { file, repository, receivedBytes } = download
          await core.downloads.cancel(download.id)
          await core.downloads.dismiss(download.id)
          const freed = formatBytes(receivedBytes, out.language)
          return out.result({ id: download.id, repository, file, freedBytes: receivedBytes }, () =>
            out.words.cli.downloadRemoved({ name: file, freed }),
          )
        }
        const model = find(models, id)
        const told = { id: model.id, path: model.path, sizeBytes: model.sizeBytes, trashed: trash === true }
        if (trash !== true) {
          core.library.forget(model.id)
          return out.result(told, () => out.words.cli.removed({ name: model.name }))
        }
        const { paths, sizeBytes } = await core.library.whatTrashMoves(model.id)
        await core.library.trash(model.id, paths)
        const size = formatBytes(sizeBytes, out.language)
        out.result({ ...told, paths, freedBytes: sizeBytes }, () => out.words.cli.trashed({ paths: paths.join('\n'), size }))
      }),
    )
}
