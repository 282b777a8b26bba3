import { implement } from '@orpc/server'
import { contract } from '@shared/ipc/contract'
import type { AppInfo } from '@shared/ipc/app'
import type { Messages } from '@shared/i18n'
import type { Log } from '@shared/log'
import type { Commands } from '../../app/commands'
import type { Dialogs } from '../../app/dialogs'
import type { Core } from '../../core'
import type { DroppedFiles } from '../dropped'
import { errorMiddleware } from '../errors'

/** What handlers call: the core, and the few things that only the app can do. */
export interface HandlerContext {
  core: Core
  dropped: DroppedFiles
  commands: Commands
  dialogs: Dialogs
  info(): AppInfo
  words(): Messages
  copyText(text: string): void
  showLogs(): void
  showInFolder(path: string): void
}

/** The contract, each of whose handlers has its errors turned into values. */
export function implementer(log: Log) {
  return implement(contract).use(errorMiddleware(log))
}

/** One area of the contract: what a file of handlers gets. */
export type Area<Name extends keyof typeof contract> = ReturnType<typeof implementer>[Name]
