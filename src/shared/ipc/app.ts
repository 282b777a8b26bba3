import { eventIterator } from '@orpc/contract'
import type { Settings } from '../domain/settings'
import { oc, type, z } from './base'

export interface AppInfo {
  version: string
  electron: string
  /** The test runtime stands in for the pinned Electron. */
  fallbackRuntime: boolean
  platform: string
  dataDir: string
  cacheDir: string
  /** The language in force: the setting, else the system's. */
  language: 'en' | 'zh-CN'
  languageIsSystem: boolean
  /** What had to be done at this start because the database was damaged; null nearly always. */
  notice: DataNotice | null
}

/** `kept` is where the damaged file lies now. Brought back from a backup, or begun anew. */
export type DataNotice = { kind: 'restored'; kept: string | null; backupAt: number } | { kind: 'fresh'; kept: string | null }

/** A command of the native menu or another window that the page carries out. */
export interface AppCommand {
  command: 'new-chat' | 'open-settings' | 'open-page' | 'focus-search' | 'choose-model' | 'show-keys' | 'toggle-sidebar'
  page?: 'chat' | 'discover' | 'library' | 'planner' | 'machine'
}

const language = z.enum(['en', 'zh-CN'])

export const settingsPatch = z
  .object({
    language: language.nullable(),
    theme: z.enum(['system', 'light', 'dark']),
    /** With or without its scheme; the settings refuse what is no address of the web. */
    endpoint: z.string().max(500).nullable(),
    endpointAutomatic: z.boolean(),
    offline: z.boolean(),
    downloadBytesPerSecond: z.number().int().min(10_000).max(100_000_000_000).nullable(),
    downloadConnections: z.number().int().min(1).max(16).nullable(),
    downloadFiles: z.number().int().min(1).max(8).nullable(),
    contextSize: z.number().int().min(256).max(10_000_000).nullable(),
    reserveBytes: z.number().int().min(0).nullable(),
    vramBudgetBytes: z.number().int().min(0).nullable(),
    useNeeds: z.partialRecord(
      z.enum(['chat', 'code', 'reasoning', 'chinese', 'small']),
      z
        .object({ decode: z.number().min(0.1).max(1_000), firstTokenMs: z.number().min(100).max(3_600_000) })
        .partial()
        .strict(),
    ),
    welcomed: z.boolean(),
    speedOfferDeclined: z.boolean(),
  })
  .partial()
  .strict()

/** Why something was asked of another machine; the words for it are the page's. */
export type NetworkPurpose = 'search' | 'facts' | 'files' | 'card' | 'header' | 'size' | 'download' | 'answers' | 'fastest' | 'catalogue'

export interface NetworkEntry {
  at: number
  method: string
  /** Address without its query. */
  address: string
  purpose: NetworkPurpose
  /** The repository or file that it was about. */
  about: string | null
  /** The status of the answer, `refused: offline`, or what went wrong as the system says it. */
  outcome: string
  /** So many ranges of one file were asked for, the last one at that time; absent: one. */
  count?: number
}

/** An access token as the page knows it: never the token itself. */
export interface HubToken {
  origin: string
  host: string
  /** `environment`: the hub of `HF_ENDPOINT`; `other`: none that the settings still name. */
  hub: 'huggingface' | 'environment' | 'mirror' | 'modelscope' | 'other'
  /** False: an address without encryption on another machine; no token goes there. */
  safe: boolean
  /** Its last four characters, none of a short one; null where there is no token. */
  end: string | null
  /** `unreadable`: kept, but this system's key store does not open it. */
  from: 'environment' | 'stored' | 'this-run' | 'unreadable' | null
  /** The variable of the environment that gave it. */
  variable: string | null
}

export interface HubTokens {
  /** Whether this system has a key store; without one a token is kept until Snug is closed. */
  keeps: boolean
  hubs: HubToken[]
}

const hubAddress = z.url({ protocol: /^https?$/ }).max(500)

export const app = {
  info: oc.output(type<AppInfo>()),
  settings: oc.output(type<Settings>()),
  /** Folders are chosen through dialogs (`library.addFolder`, `library.chooseModelsFolder`), never sent by the page. */
  setSettings: oc.input(settingsPatch).output(type<Settings>()),
  followSettings: oc.output(eventIterator(type<Settings>())),
  commands: oc.output(eventIterator(type<AppCommand>())),
  /** Asks the person with the full address before the browser opens it; http and https only. */
  openLink: oc.input(z.object({ url: z.string().max(2_048) }).strict()).output(type<{ opened: boolean }>()),
  showLogs: oc.output(type<null>()),
  networkLog: oc.output(type<NetworkEntry[]>()),
  tokens: oc.output(type<HubTokens>()),
  /** For a hub that the settings name; it is sent to that origin and to no other. */
  setToken: oc.input(z.object({ origin: hubAddress, token: z.string().min(1).max(1_000) }).strict()).output(type<HubTokens>()),
  removeToken: oc.input(z.object({ origin: hubAddress }).strict()).output(type<HubTokens>()),
  copyText: oc.input(z.object({ text: z.string().max(5_000_000) }).strict()).output(type<null>()),
}
