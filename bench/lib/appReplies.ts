import type { Page } from '@playwright/test'
import type { Conversation, GenerationStats } from '@shared/domain/chat'
import type { LibraryModel } from '@shared/domain/library'
import { defaultConversationSettings, defaultSampling } from '@shared/domain/chat'
import { composer } from '../../e2e/fixtures/models'
import { ask, beginChat, call } from '../../e2e/fixtures/rpc'

interface Paint {
  /** `performance.now()` of the page, in the animation frame that shows it. */
  at: number
  /** Tokens that the page has drawn. */
  tokens: number
}

export interface OpenChat {
  id: string
  promptId: string
  /** The rendered prompt: what the model sees. */
  prompt: string
}

export interface PaintedReply {
  stats: GenerationStats
  text: string
  paints: number
  /** From the first paint with text to the paint of the finished reply. */
  tokensPerSecond: number
}

/** Loads that file of the library anew; what is not wished for is automatic. */
export async function loadModel(page: Page, fileName: string, wishes: { threads?: number } = {}): Promise<void> {
  const find = async () => (await ask<LibraryModel[]>(page, 'library/list')).find(({ path }) => path.endsWith(fileName))
  let model = await find()
  for (const end = Date.now() + 20_000; model === undefined && Date.now() < end; model = await find()) await page.waitForTimeout(200)
  if (model === undefined) throw new Error(`${fileName} is not in the library`)
  // A slow load outlasts the call's patience: the page tells when it is done.
  const answer = await call(page, 'engine/load', { modelId: model.id, ...wishes })
  if (answer !== null && answer.status !== 200) throw new Error(`${fileName} was not loaded: ${JSON.stringify(answer.body)}`)
  await page.locator('[data-testid="model-button"][data-state="ready"]', { hasText: model.name }).waitFor({ timeout: 60_000 })
}

/** A chat whose reply to `prompt` can be asked for again and again; greedy, `tokens` long at most. */
export async function openChat(page: Page, prompt: string, tokens: number): Promise<OpenChat> {
  const settings = { ...defaultConversationSettings, maxTokens: tokens, sampling: { ...defaultSampling, temperature: 0, seed: 1 } }
  const { id, messageId } = await beginChat(page, prompt, { settings })
  await page.evaluate((hash) => {
    location.hash = hash
  }, `/chat/${id}`)
  await composer(page).waitFor()
  await page.getByTestId('message-user').waitFor()
  const { text } = await ask<{ text: string }>(page, 'chat/promptView', { id })
  return { id, promptId: messageId, prompt: text }
}

/** Another reply to the same prompt, watched where a person sees it: each change of the page at its animation frame. */
export async function paintedReply(page: Page, chat: OpenChat): Promise<PaintedReply> {
  const painted = page.evaluate(
    () =>
      new Promise<Paint[]>((resolve) => {
        const paints: Paint[] = []
        let waiting = false
        let began = false
        const look = () => {
          waiting = false
          const reply = [...document.querySelectorAll<HTMLElement>('[data-testid="message-assistant"]')].at(-1)
          const streaming = reply?.dataset.status === 'streaming'
          began ||= streaming
          if (!began || reply === undefined) return
          const said = reply.querySelector('[data-testid="live-speed"]')?.textContent?.split('·').at(-1) ?? ''
          const tokens = Number(said.replace(/\D/g, ''))
          if (streaming && tokens <= (paints.at(-1)?.tokens ?? 0)) return
          paints.push({ at: performance.now(), tokens })
          if (streaming) return
          observer.disconnect()
          resolve(paints)
        }
        const observer = new MutationObserver(() => {
          if (waiting) return
          waiting = true
          requestAnimationFrame(look)
        })
        observer.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true })
      }),
  )
  const { replyId } = await ask<{ replyId: string }>(page, 'chat/regenerate', { id: chat.id, messageId: chat.promptId })
  const paints = await painted
  const { messages } = await ask<Conversation>(page, 'chat/conversation', { id: chat.id })
  const reply = messages.find((message) => message.id === replyId)
  const first = paints[0]
  const last = paints.at(-1)
  if (!reply?.stats || first === undefined || last === undefined) throw new Error(`no reply: ${JSON.stringify(reply?.error ?? null)}`)
  return {
    stats: reply.stats,
    text: reply.segments.map((segment) => segment.text).join(''),
    paints: paints.length,
    tokensPerSecond: ((reply.stats.evalTokens - first.tokens) / (last.at - first.at)) * 1000,
  }
}
