import type { EngineStatus } from '@shared/domain/library'
import type { ChatWish } from '@shared/ipc/downloads'
import type { Started } from './downloadNeeds'
import type { DownloadsService } from './downloads'

interface ChatWishesNeeds {
  downloads: Pick<DownloadsService, 'get' | 'wantChat' | 'takeChat'>
  engine: { status(): EngineStatus; readonly generating: boolean }
}

/**
 * "Download and chat": what a person asked for beside the file. It ends with the app: at a later start nobody waits for a chat to open.
 * The page carries it out, since only there is a chat to be opened.
 */
export class ChatWishes {
  readonly #needs: ChatWishesNeeds
  /** The model that was loaded when it was asked for, by download. */
  readonly #before = new Map<string, string | null>()

  constructor(needs: ChatWishesNeeds) {
    this.#needs = needs
  }

  async with(start: Promise<Started>): Promise<Started> {
    const before = this.#loaded()
    const started = await start
    this.#before.set(started.id, before)
    this.#needs.downloads.wantChat(started.id)
    return started
  }

  /** Once, of a download that is done. Who meanwhile writes with a model, or chose another one, keeps it. */
  take(id: string): ChatWish {
    const { downloads, engine } = this.#needs
    if (!downloads.takeChat(id)) return 'none'
    const { modelId } = downloads.get(id)
    const before = this.#before.get(id) ?? null
    this.#before.delete(id)
    const loaded = this.#loaded()
    const free = !engine.generating && (loaded === null || loaded === before || loaded === modelId)
    return free ? 'now' : 'later'
  }

  #loaded(): string | null {
    const status = this.#needs.engine.status()
    return status.state === 'ready' || status.state === 'loading' ? status.modelId : null
  }
}
