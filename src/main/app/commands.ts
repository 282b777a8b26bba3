import type { AppCommand } from '@shared/ipc/app'

/** Commands of the native menu on their way to the page. */
export interface Commands {
  send(command: AppCommand): void
  follow(signal?: AbortSignal): AsyncGenerator<AppCommand>
}

export function createCommands(): Commands {
  const followers = new Set<(command: AppCommand) => void>()
  return {
    send(command) {
      for (const follower of followers) follower(command)
    },
    async *follow(signal) {
      const queue: AppCommand[] = []
      let wake: () => void = () => undefined
      const push = (command: AppCommand) => {
        queue.push(command)
        wake()
      }
      const onAbort = () => wake()
      followers.add(push)
      signal?.addEventListener('abort', onAbort)
      try {
        while (!signal?.aborted) {
          const next = queue.shift()
          if (next !== undefined) yield next
          else
            await new Promise<void>((resolve) => {
              wake = resolve
            })
        }
      } finally {
        followers.delete(push)
        signal?.removeEventListener('abort', onAbort)
      }
    },
  }
}
