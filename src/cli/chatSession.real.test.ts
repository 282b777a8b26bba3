import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { forkNode } from '../engine/forkNode'
import { scriptedExpectation, writeScriptedModel } from '../engine/scriptedModel'
import { engineEntry } from '../engine/testEngine'
import type { PromptMessage } from '@shared/domain/chat'
import { defaultSettings } from '@shared/domain/settings'
import { silentLog } from '@shared/log'
import { EngineHost } from '../main/engine/engineHost'
import { LoadingService } from '../main/services/loading'
import { type AnswerOptions, ChatSession } from './chatSession'

const script = { words: 400 }
const expected = scriptedExpectation(script)
const never = new AbortController().signal
const options: AnswerOptions = { sampling: { temperature: 0, seed: 1 }, thinking: { mode: 'off' }, maxTokens: null }
const asked: PromptMessage[] = [{ role: 'user', content: '你好' }]
let folder: string
let engine: EngineHost
let session: ChatSession

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'snug 终端 '))
  const path = join(folder, 'scripted.gguf')
  await writeScriptedModel(path, script)
  engine = new EngineHost({ fork: forkNode(engineEntry()), log: silentLog })
  const settings = { get: () => defaultSettings, set: () => defaultSettings }
  const loading = new LoadingService({ host: engine, models: { get: () => undefined }, settings, plan: async () => ({ threads: 1 }) })
  session = await ChatSession.open({ engine, loading }, path, { contextSize: 2_048, cpuOnly: true }, [], never, () => {})
})
afterAll(async () => {
  await engine.dispose()
  rmSync(folder, { recursive: true, force: true })
})

function killEngine(): void {
  const pid = engine.loaded?.pid
  if (pid === undefined) throw new Error('no engine to kill')
  process.kill(pid, 'SIGKILL')
}

test('kill -9 in the middle of an answer and between two turns: the next turn in the terminal is answered', async () => {
  let killed = false
  const cut = session.answerTurn(asked, options, never, (event) => {
    if (event.kind !== 'delta' || killed) return
    killed = true
    killEngine()
  })
  await expect(cut).rejects.toMatchObject({ code: 'engine/crashed' })
  expect((await session.answerTurn(asked, options, never, () => {})).answer).toBe(expected.answer)
  killEngine()
  const { answer, stats } = await session.answerTurn(asked, options, never, () => {})
  expect(answer).toBe(expected.answer)
  expect(stats.stopReason).toBe('end')
  expect(engine.loaded?.model.contextSize).toBe(2_048)
})
