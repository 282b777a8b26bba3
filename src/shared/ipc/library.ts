import { eventIterator } from '@orpc/contract'
import type { FitReport } from '../domain/fit'
import type { EngineStatus, FolderSpace, LibraryModel, LibraryWork, UpdateCheck } from '../domain/library'
import { id, oc, type, z } from './base'
import { sampling } from './chat'

const contextSize = z.number().int().min(256).max(10_000_000)
const gpuLayers = z.union([z.number().int().min(0).max(100_000), z.literal('max')])
const kvCacheType = z.enum(['f16', 'q8_0', 'q4_0'])
/** llama.cpp itself takes no more. */
const threads = z.number().int().min(1).max(512)

export interface AddedFiles {
  /** Ids of the rows, in the order of the files. */
  added: string[]
  /** File names of those among them that are listed as damaged. */
  damaged: string[]
  refused: { fileName: string; code: string }[]
}

export const library = {
  list: oc.output(type<LibraryModel[]>()),
  follow: oc.output(eventIterator(type<LibraryModel[]>())),
  /** Opens the system's file dialog; `chosen` is false where the person closed it. */
  addFiles: oc.output(type<{ chosen: boolean } & AddedFiles>()),
  /** Opens the system's folder dialog; the folder is watched from then on. */
  addFolder: oc.output(type<{ chosen: boolean; added: string[] }>()),
  removeFolder: oc.input(z.object({ index: z.number().int().min(0) }).strict()).output(type<null>()),
  chooseModelsFolder: oc.output(type<{ changed: boolean }>()),
  /** Watches the default folder of another program. */
  adopt: oc.input(z.object({ source: z.enum(['lm-studio', 'ollama', 'jan', 'huggingface']) }).strict()).output(type<{ added: string[] }>()),
  /** Files dropped on the window: preload sends their paths to main, which gives the page a ticket. */
  takeDropped: oc.input(z.object({ ticket: id }).strict()).output(type<AddedFiles>()),
  /** Takes a row off the list; the file stays. */
  forget: oc.input(z.object({ id }).strict()).output(type<null>()),
  /** Asks with every path and the size, then moves those files to the system's trash. */
  trash: oc.input(z.object({ id }).strict()).output(type<{ moved: boolean }>()),
  showInFolder: oc.input(z.object({ id }).strict()).output(type<null>()),
  /** Work that takes minutes: told by `followWork`, ended or taken off the list by `cancelWork`. */
  verify: oc.input(z.object({ id }).strict()).output(type<{ id: string }>()),
  /** Looks for files with the same bytes. */
  compare: oc.output(type<{ id: string }>()),
  /** Opens the system's folder dialog; null: the person chose none. */
  move: oc.input(z.object({ id }).strict()).output(type<{ id: string | null }>()),
  /** What each watched folder's models take, and what its disk has left; a folder that is away is left out. */
  space: oc.output(type<FolderSpace[]>()),
  /** Asks the hub, because a person asked: never by itself. */
  checkUpdates: oc.output(type<UpdateCheck>()),
  /** What it said last; null: it was never asked. */
  lastUpdates: oc.output(type<UpdateCheck | null>()),
  followWork: oc.output(eventIterator(type<LibraryWork[]>())),
  cancelWork: oc.input(z.object({ id }).strict()).output(type<null>()),
  /** Changes what is kept for this model; null is automatic again. It counts from the next load and the next reply on. */
  setPreset: oc
    .input(
      z
        .object({
          id,
          load: z
            .object({
              contextSize: contextSize.nullable(),
              gpuLayers: gpuLayers.nullable(),
              kvCacheType: kvCacheType.nullable(),
              threads: threads.nullable(),
            })
            .partial()
            .strict()
            .default({}),
          sampling: sampling.omit({ seed: true }).partial().default({}),
        })
        .strict(),
    )
    .output(type<LibraryModel>()),
  /** With `gpuLayers`: what is predicted of that very plan; without: of the best one, where the model was used here with its measured speed. */
  fit: oc
    .input(z.object({ id, contextSize: z.number().int().min(256).optional(), gpuLayers: z.number().int().min(0).optional() }).strict())
    .output(type<FitReport>()),
}

export const engine = {
  /** What to load: null options are what is kept for the model, else automatic. */
  load: oc
    .input(
      z
        .object({
          modelId: id,
          contextSize: contextSize.nullable().default(null),
          gpuLayers: gpuLayers.nullable().default(null),
          kvCacheType: kvCacheType.nullable().default(null),
          cpuOnly: z.boolean().default(false),
          threads: threads.nullable().default(null),
        })
        .strict(),
    )
    .output(type<null>()),
  unload: oc.output(type<null>()),
  follow: oc.output(eventIterator(type<EngineStatus>())),
  /** Bytes of the loaded model that the driver moved from the card into RAM; 0: none, null: this system does not say. */
  moved: oc.output(type<number | null>()),
}
