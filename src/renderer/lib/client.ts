import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/message-port'
import type { ContractRouterClient } from '@orpc/contract'
import type { Contract } from '@shared/ipc/contract'

/** Hands one end of a fresh channel to preload, which passes it to main; after a reload the page simply connects again. */
function connect(): ContractRouterClient<Contract> {
  const { port1, port2 } = new MessageChannel()
  window.postMessage('snug:connect', location.origin, [port2])
  const link = new RPCLink({ port: port1 })
  port1.start()
  return createORPCClient(link)
}

export const client = connect()
