import type { AnyRouter } from '@orpc/server'
import { RPCHandler } from '@orpc/server/message-port'
import { type IpcMainEvent, type WebFrameMain, ipcMain } from 'electron'
import { z } from 'zod'
import type { Log } from '@shared/log'
import { devServer, pageOrigin } from '../app/security'
import { guardPort } from './portGuard'

/** Only the top frame of our own page speaks to main. */
function isTrusted(event: { senderFrame: WebFrameMain | null; sender: { mainFrame: WebFrameMain } }): boolean {
  const frame = event.senderFrame
  return frame !== null && frame === event.sender.mainFrame && (frame.origin === pageOrigin || frame.origin === devServer())
}

const dropped = z.object({ ticket: z.uuid(), paths: z.array(z.string().min(1).max(32_768)).min(1).max(1_000) }).strict()

/** The two doors from the page: a message port for the contract, and tickets for files that were really dropped. */
export function openDoors(router: AnyRouter, onDropped: (ticket: string, paths: string[]) => void, log: Log): () => void {
  const handler = new RPCHandler(router)
  const connect = (event: IpcMainEvent) => {
    const port = event.ports[0]
    if (port === undefined) return
    if (!isTrusted(event)) {
      log.warn('a frame that is not ours asked for a port')
      // Closed at once, or its calls would hang until the port is collected.
      port.close()
      return
    }
    handler.upgrade(guardPort(port) as unknown as Parameters<typeof handler.upgrade>[0])
    port.start()
  }
  const drop = (event: IpcMainEvent, message: unknown) => {
    const parsed = dropped.safeParse(message)
    if (isTrusted(event) && parsed.success) onDropped(parsed.data.ticket, parsed.data.paths)
  }
  ipcMain.on('snug:connect', connect)
  ipcMain.on('snug:dropped', drop)
  return () => {
    ipcMain.off('snug:connect', connect)
    ipcMain.off('snug:dropped', drop)
  }
}
