import { expect, test } from '@playwright/test'
import type { ScriptedExpectation } from '../src/engine/scriptedModel'
import { newestMessage, seenPrompt, textOf } from './fixtures/chat'
import { type Launched, freshCache, freshFolder, launchSnug } from './fixtures/launch'
import { addScripted, composer, en, lastAnswer, lastReply, newChat, send, setTemperature, useModel } from './fixtures/models'
import { ask, beginChat } from './fixtures/rpc'

/** Counts for a while, slowly; thinks for 600 words, at levels of effort; says its answer again and again. */
const counter = 'Counter'
const ponderer = 'Ponderer'
const endless = 'Endless'

let snug: Launched
let counted: ScriptedExpectation
let pondered: ScriptedExpectation

test.beforeAll(async () => {
  const dataDir = freshFolder()
  counted = await addScripted(dataDir, counter, { layers: 8, feedForwardLength: 2_048, thinking: false, words: 100 })
  pondered = await addScripted(dataDir, ponderer, { thoughtWords: 600, effort: true })
  await addScripted(dataDir, endless, { layers: 8, feedForwardLength: 2_048, thinking: false, loop: true, contextSize: 32_768 })
  snug = await launchSnug({ dataDir, cacheDir: freshCache(false) })
})
test.afterAll(async () => {
  expect(await snug.close()).toBe(true)
})

test('shows nothing before the reply is done where streaming is off, and then the whole', async () => {
  const { page } = snug
  await newChat(page)
  await useModel(page, counter)
  await setTemperature(page, 'Home')
  // A chat that nothing was sent in yet keeps what it was told over a look at another page.
  await page.getByRole('link', { name: en.common.library }).click()
  await newChat(page)
  await expect(
    page.getByRole('button', { name: new RegExp(`^${en.chat.temperature.name}: .*${en.chat.temperature.exact}$`) }),
  ).toBeVisible()
  const stream = page.getByRole('switch', { name: en.chat.how.stream })
  await page.getByRole('button', { name: en.chat.how.open }).click()
  await expect(stream).toBeChecked()
  await stream.click()
  await expect(stream).not.toBeChecked()
  await page.keyboard.press('Escape')
  // Every state that the page goes through while the reply is written, however fast that is.
  await page.evaluate(() => {
    const seen = { early: '', waited: new Set<string>() }
    Object.assign(window, { streamingSeen: seen })
    new MutationObserver(() => {
      const writing = document.querySelector('[data-testid=message-assistant][data-status=streaming]')
      seen.early += writing?.querySelector('.md, .plain, .thought')?.textContent ?? ''
      const line = writing?.querySelector('.ai > p')?.textContent
      if (line) seen.waited.add(line)
    }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true })
  })
  await send(page, 'Count quietly')
  expect(await lastAnswer(page)).toBe(counted.answer)
  const { early, waited } = await page.evaluate(() => {
    const { streamingSeen: seen } = window as unknown as { streamingSeen: { early: string; waited: Set<string> } }
    return { early: seen.early, waited: [...seen.waited] }
  })
  expect(early).toBe('')
  const written = (line: string) => Array.from({ length: 200 }, (_, at) => en.chat.writingHidden({ count: `${at}` })).includes(line)
  expect(waited.filter(written).length).toBeGreaterThan(0)
})

test('thinks as long as its budget lets it, and still answers; a level of effort reaches the template', async () => {
  const { page } = snug
  await newChat(page)
  await useModel(page, ponderer)
  await setTemperature(page, 'Home')
  const open = page.getByRole('button', { name: new RegExp(`^${en.chat.thinking.name}: `) })
  const choose = async (label: string, value: string) => {
    await open.click()
    await page.getByRole('combobox', { name: label }).selectOption(value)
    await page.keyboard.press('Escape')
    await expect(page.getByRole('combobox', { name: label })).toHaveCount(0)
  }
  await choose(en.chat.thinking.budget, '512')
  await expect(open).toContainText(en.chat.thinking.upToShort({ count: '512' }))
  await send(page, 'Think, but not for ever')
  expect(await lastAnswer(page)).toBe(pondered.answer)
  const cut = await newestMessage(page)
  expect(cut?.stats).toMatchObject({ thoughtTokens: 512, stopReason: 'end' })
  expect(pondered.thought?.startsWith(textOf(cut, 'thought'))).toBe(true)
  expect(textOf(cut, 'thought').length).toBeLessThan(pondered.thought?.length ?? 0)

  await choose(en.chat.thinking.budget, '')
  await choose(en.chat.thinking.level, 'low')
  await expect(open).toContainText('low')
  await send(page, 'Think a little')
  expect(await lastAnswer(page)).toBe(pondered.answer)
  expect(textOf(await newestMessage(page), 'thought')).toBe(pondered.thought)
  expect(await seenPrompt(page)).toContain('<|im_start|>system\nEffort: low<|im_end|>\n')

  await choose(en.chat.thinking.level, 'off')
  await send(page, 'Do not think')
  expect(await lastAnswer(page)).toBe(pondered.answer)
  expect((await newestMessage(page))?.segments.map(({ kind }) => kind)).toEqual(['answer'])
  expect(await seenPrompt(page)).not.toContain('Effort:')
})

test('an edit during a reply is refused, and what was typed stays until it can be said', async () => {
  const { page } = snug
  await newChat(page)
  await useModel(page, endless)
  await send(page, 'Talk')
  const editor = page.getByRole('textbox', { name: en.chat.editing })
  const stop = page.getByRole('button', { name: en.chat.stop, exact: true })
  await expect(stop).toBeVisible()
  await composer(page).press('ArrowUp')
  await expect(editor).toHaveCount(0)
  await stop.click()
  await expect(stop).toHaveCount(0)
  await composer(page).press('ArrowUp')
  await editor.fill('Talk louder')
  await lastReply(page).getByRole('button', { name: en.chat.answerAgain }).click()
  await expect(stop).toBeVisible()
  await editor.press('Enter')
  await expect(page.getByText(en.errors['chat/busy'].title)).toBeVisible()
  await expect(editor).toHaveValue('Talk louder')
  await stop.click()
  await expect(stop).toHaveCount(0)
  await editor.press('Enter')
  await expect(editor).toHaveCount(0)
  await expect(page.getByTestId('message-user')).toContainText('Talk louder')
  await expect(stop).toBeVisible()
  await stop.click()
  await expect(stop).toHaveCount(0)
})

test('a long chat draws its end, the rest when it is wanted, and finds what is not drawn', async () => {
  const { page } = snug
  await newChat(page)
  const { id } = await beginChat(page, 'Line 0 of a long chat')
  for (let number = 1; number < 230; number++)
    await ask(page, 'chat/add', { id, role: number % 2 === 0 ? 'user' : 'assistant', text: `Line ${number} of a long chat` })
  await page.evaluate((chat) => {
    location.hash = `/chat/${chat}`
  }, id)
  const line = (number: number) => page.getByText(`Line ${number} of`, { exact: false })
  await expect(line(229)).toBeInViewport()
  await expect(line(130)).toHaveCount(1)
  await expect(line(129)).toHaveCount(0)
  await page.getByRole('log').hover()
  await page.mouse.wheel(0, -100_000)
  await page.getByRole('button', { name: en.chat.earlier({ count: 130 }) }).click()
  await expect(line(30)).toHaveCount(1)
  await expect(line(29)).toHaveCount(0)
  // what was read stays in sight
  await expect(line(130)).toBeInViewport()
  await page.keyboard.press('Control+f')
  await page.getByRole('textbox', { name: en.chat.find }).fill('Line 7 of')
  await expect(line(7)).toBeInViewport()
  await page.keyboard.press('Escape')
  await ask(page, 'chat/remove', { id })
})
