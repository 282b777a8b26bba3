import type { Log } from '@shared/log'
import { appHandlers } from './handlers/app'
import { chatHandlers } from './handlers/chat'
import { type HandlerContext, implementer } from './handlers/context'
import { discoverHandlers } from './handlers/discover'
import { downloadsHandlers } from './handlers/downloads'
import { engineHandlers, libraryHandlers } from './handlers/library'
import { machineHandlers } from './handlers/machine'

/** The contract with its handlers; what is missing does not compile. */
export function createRouter(context: HandlerContext, log: Log) {
  const os = implementer(log.child('ipc'))
  return os.router({
    app: appHandlers(os.app, context),
    machine: machineHandlers(os.machine, context),
    discover: discoverHandlers(os.discover, context),
    downloads: downloadsHandlers(os.downloads, context),
    library: libraryHandlers(os.library, context),
    engine: engineHandlers(os.engine, context),
    chat: chatHandlers(os.chat, context),
  })
}
