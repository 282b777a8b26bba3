import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bytes } from '@shared/domain/units'
import { GiB } from '@shared/domain/units'
import type { LoadedModel } from '@shared/engine/protocol'
import type { Log } from '@shared/log'
import type { ReplyCache } from './replyWork'

export interface KvStatesOptions {
  host: {
    readonly loaded: { modelId: string; model: LoadedModel; pid: number | undefined } | null
    saveState(path: string): Promise<{ bytes: Bytes }>
    loadState(path: string): Promise<{ tokens: number }>
  }
  /** Own files only: a state that this app did not write is never loaded. */
  folder: string
  /** Whether that conversation still exists; states of others are deleted. */
  keeps: (conversationId: string) => boolean
  log: Log
  limitBytes?: Bytes
}

/** `<conversation>.<what it belongs to>.state`, with the engine's note beside it. */
const pattern = /^([\w-]+)\.[0-9a-f]{16}\.state$/
/** A cache that can be larger than this costs more to write than it saves. */
const largestState = 1 * GiB

/**
 * The engine has one cache. On a switch to another conversation the old one's is saved and the other's brought back, so that going back
 * and forth evaluates nothing twice. A state that is behind its conversation still helps: what is shared stays.
 */
export class KvStates implements ReplyCache {
  readonly #options: KvStatesOptions
  /** Whose tokens the engine's cache holds, in which process. */
  #live: { conversationId: string; pid: number | undefined } | null = null
  /** One after the other: what is being saved is nothing left over. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: KvStatesOptions) {
    this.#options = options
  }

  /** Failures cost time, never a reply: the prompt is then evaluated anew. */
  async enter(conversationId: string): Promise<void> {
    const { host } = this.#options
    const { loaded } = host
    if (loaded === null) return
    const live = this.#live?.pid === loaded.pid ? this.#live : null
    this.#live = { conversationId, pid: loaded.pid }
    if (live?.conversationId === conversationId) return
    await this.#inTurn('the cache of a conversation was not kept', async () => {
      if (live !== null) await this.#save(live.conversationId, loaded)
      await this.#load(conversationId, loaded)
    })
  }

  /** Deletes states of conversations that are gone, then the least recently used beyond the limit. */
  prune(): Promise<void> {
    return this.#inTurn('old caches of conversations are still there', () => this.#prune())
  }

  #inTurn(failure: string, work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work).catch((error: unknown) => {
      this.#options.log.warn(failure, { message: error instanceof Error ? error.message : String(error) })
    })
    this.#turn = done
    return done
  }

  async #save(conversationId: string, loaded: { modelId: string; model: LoadedModel }): Promise<void> {
    const { host, folder } = this.#options
    const largest = loaded.model.buffers.parts.reduce(
      (sum, part) => sum + (part.kind === 'kv' || part.kind === 'state' ? part.bytes : 0),
      0,
    )
    if (largest > largestState) return
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await host.saveState(this.#path(conversationId, loaded))
    await this.#prune()
  }

  async #load(conversationId: string, loaded: { modelId: string; model: LoadedModel }): Promise<void> {
    const path = this.#path(conversationId, loaded)
    if (!existsSync(path)) return
    try {
      await this.#options.host.loadState(path)
      const now = new Date()
      await utimes(path, now, now)
    } catch (error) {
      await remove(path)
      throw error
    }
  }

  async #prune(): Promise<void> {
    const { folder, keeps, limitBytes = 2 * GiB } = this.#options
    if (!existsSync(folder)) return
    const kept: { path: string; bytes: number; usedAt: number }[] = []
    for (const name of await readdir(folder)) {
      const path = join(folder, name)
      const conversationId = pattern.exec(name)?.[1]
      if (name.endsWith('.part') || (conversationId !== undefined && !keeps(conversationId))) await remove(path)
      else if (conversationId !== undefined) {
        const { size, mtimeMs } = await stat(path)
        kept.push({ path, bytes: size, usedAt: mtimeMs })
      }
    }
    let total = 0
    for (const state of kept.sort((a, b) => b.usedAt - a.usedAt)) {
      total += state.bytes
      if (total > limitBytes) await remove(state.path)
    }
  }

  #path(conversationId: string, { modelId, model }: { modelId: string; model: LoadedModel }): string {
    const of = JSON.stringify([modelId, model.contextSize, model.kvCacheType, model.flashAttention])
    return join(this.#options.folder, `${conversationId}.${createHash('sha256').update(of).digest('hex').slice(0, 16)}.state`)
  }
}

async function remove(path: string): Promise<void> {
  await rm(path, { force: true })
  await rm(`${path}.json`, { force: true })
}
