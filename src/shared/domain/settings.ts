import type { OwnNeeds } from './recommend'
import type { Bytes } from './units'

export type Language = 'en' | 'zh-CN'
export type ThemeChoice = 'system' | 'light' | 'dark'

export const huggingFace = 'https://huggingface.co'
/** A public mirror of it with the same API. */
export const hfMirror = 'https://hf-mirror.com'

export interface Settings {
  /** null: the system's language, else English. */
  language: Language | null
  theme: ThemeChoice
  /** Base address of a hub with the Hugging Face API; null: `HF_ENDPOINT`, else Hugging Face. */
  endpoint: string | null
  /** The fastest of the known hubs and `endpoint` is asked, and another goes on where it fails. */
  endpointAutomatic: boolean
  /** Where a newer catalogue of models lies; null: nowhere, and it is asked for. */
  catalogAddress: string | null
  /** Refuses every socket that is not loopback. */
  offline: boolean
  /** Where downloads go; null: `models` in the data folder. */
  modelsFolder: string | null
  /** Bytes per second for all downloads together; null: as fast as it goes. */
  downloadBytesPerSecond: number | null
  /** Of one file, at most; null: as many as help, up to 8. */
  downloadConnections: number | null
  /** Files at the same time; null: 2. */
  downloadFiles: number | null
  /** Folders whose GGUF files are adopted where they lie. */
  watchedFolders: string[]
  /** Default context in tokens for a load; null: 8,192 or the model's own limit. */
  contextSize: number | null
  /** Bytes kept free on each device; null: max(256 MiB, 3 %). */
  reserveBytes: Bytes | null
  /** What models may take of each graphics card at most; null: all that is free. */
  vramBudgetBytes: Bytes | null
  /** Speeds below which a model is too slow for a use; empty: `useNeeds`. */
  useNeeds: OwnNeeds
  lastModelId: string | null
  /** The first-run page was completed. */
  welcomed: boolean
  /** Nobody asks again whether the speed of this machine should be measured. */
  speedOfferDeclined: boolean
}

export const defaultSettings: Settings = {
  language: null,
  theme: 'system',
  endpoint: null,
  endpointAutomatic: false,
  catalogAddress: null,
  offline: false,
  modelsFolder: null,
  downloadBytesPerSecond: null,
  downloadConnections: null,
  downloadFiles: null,
  watchedFolders: [],
  contextSize: null,
  reserveBytes: null,
  vramBudgetBytes: null,
  useNeeds: {},
  lastModelId: null,
  welcomed: false,
  speedOfferDeclined: false,
}
