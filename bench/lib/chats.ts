import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defaultConversationSettings, defaultSampling, type GenerationStats, type Message } from '@shared/domain/chat'
import { silentLog } from '@shared/log'
import { checkout } from '../../e2e/fixtures/launch'
import { forkNode } from '../../src/engine/forkNode'
import { engineEntry } from '../../src/engine/testEngine'
import { type Core, createCore } from '../../src/main/core'
import { snugPaths } from '../../src/main/platform/paths'
import { promptMessages } from '../../src/main/services/contextPolicy'

const system = 'You are a helpful assistant.'

export interface Turn {
  message: Message
  stats: GenerationStats
  /** From the command to the first text that a page would get. */
  firstTextMs: number
  /** The rendered prompt, and what the engine's cache holds after the reply, as text. */
  prompt: string
  left: string
}

/** The services of the app in plain Node, on a data folder of their own. */
export class Chats {
  readonly core: Core
  readonly folder: string
  #modelPath = ''

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'snug-bench-'))
    this.core = createCore({
      paths: snugPaths({ env: { SNUG_CACHE: join(this.folder, 'cache') }, platform: process.platform, dataDir: join(this.folder, 'data') }),
      fork: forkNode(engineEntry()),
      downloadWorker: join(checkout, 'out/main/downloadWorker.js'),
      log: silentLog,
      trash: async () => undefined,
      background: false,
    })
  }

  async load(path: string): Promise<void> {
    const { added, refused } = await this.core.library.addFiles([path])
    if (added[0] === undefined) throw new Error(`${path} was not added: ${JSON.stringify(refused)}`)
    await this.core.loading.load(added[0])
    this.#modelPath = path
  }

  /** A conversation with greedy replies of at most so many tokens. */
  open(maxTokens: number): string {
    const { id } = this.core.conversations.create({ system })
    const sampling = { ...defaultSampling, temperature: 0, seed: 1 }
    this.core.conversations.update(id, { settings: { ...defaultConversationSettings, maxTokens, sampling } })
    return id
  }

  send(id: string, text: string): Promise<Turn> {
    return this.#answered(id, () => this.core.replies.send({ id, text }).replyId)
  }

  /** The last reply once more. */
  again(id: string): Promise<Turn> {
    return this.#answered(id, () => {
      const last = this.core.conversations.branch(id).findLast((message) => message.role === 'assistant')
      return this.core.replies.regenerate({ id, messageId: last?.id ?? '' }).replyId
    })
  }

  /** English of so many tokens that begins like no other: nothing of it is in any cache. */
  async longText(tokens: number, mark: string): Promise<string> {
    const words = 'the keeper climbs the stairs, trims the lamp, writes the hour in the book and looks at the sea;'.split(' ')
    let text = `Note ${mark}.`
    const size = async () => (await this.core.engine.count([{ kind: 'text', text }])).tokens
    for (let missing = tokens - (await size()), at = 0; missing > 0; missing = tokens - (await size()))
      for (let added = 0; added < Math.max(1, missing / 6); added++) text += ` ${words[at++ % words.length] ?? ''}`
    return text
  }

  async tokens(text: string): Promise<number> {
    return text === '' ? 0 : (await this.core.engine.count([{ kind: 'template', text }])).tokens
  }

  async close(): Promise<void> {
    await this.core.dispose()
    rmSync(this.folder, { recursive: true, force: true })
  }

  async #answered(id: string, start: () => string): Promise<Turn> {
    const began = performance.now()
    const replyId = start()
    let firstTextMs: number | null = null
    for await (const event of this.core.replies.followReply(replyId)) {
      if (event.kind === 'delta' && event.text !== '') firstTextMs ??= performance.now() - began
      if (event.kind !== 'end') continue
      const { message } = event
      if (firstTextMs === null || message.stats === null) throw new Error(`no reply: ${JSON.stringify(message.error)}`)
      const row = this.core.conversations.message(id, replyId)
      const branch = this.core.conversations.branch(id, row.parentId)
      const { text: prompt } = await this.core.engine.tools('render', {
        source: { kind: 'file', path: this.#modelPath },
        messages: promptMessages(system, branch, false),
        thinking: { mode: 'default' },
      })
      return { message, stats: message.stats, firstTextMs, prompt, left: prompt + row.raw }
    }
    throw new Error('the reply has no end')
  }
}
