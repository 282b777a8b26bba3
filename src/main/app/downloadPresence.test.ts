import { expect, it } from 'vitest'
import type { Download } from '@shared/domain/library'
import { messages } from '@shared/i18n'
import { type Presence, showDownloads } from './downloadPresence'

function download(id: string, state: Download['state'], receivedBytes = 0): Download {
  const rest = { bytesPerSecond: null, secondsLeft: null, error: null, modelId: null, createdAt: 1, revision: 'r' }
  return {
    id,
    repository: 'maker/model',
    file: `q/${id}.gguf`,
    parts: [],
    state,
    totalBytes: 100,
    receivedBytes,
    verifiedBytes: 0,
    ...rest,
  }
}

async function seen(lists: Download[][], focused = false) {
  const calls: string[] = []
  const presence: Presence = {
    keepAwake: (on) => calls.push(on ? 'awake' : 'sleep'),
    progress: (share) => calls.push(`bar ${share}`),
    notify: (title) => calls.push(title),
    focused: () => focused,
  }
  async function* stream() {
    yield* lists
  }
  await showDownloads(stream(), presence, () => messages('en').menu.presence)
  return calls
}

it('keeps the machine awake and draws the bar only while something downloads', async () => {
  expect(
    await seen([
      [],
      [download('a', 'queued')],
      [download('a', 'running', 10), download('b', 'queued')],
      [download('a', 'running', 10.1), download('b', 'queued')],
      [download('a', 'paused', 20), download('b', 'paused')],
    ]),
  ).toEqual(['awake', 'bar 0.05', 'sleep', 'bar -1'])
})

it('tells what is done or failed, once, and neither what was so before nor to somebody who looks', async () => {
  const lists = [
    [download('old', 'done'), download('a', 'running', 50), download('b', 'running', 10)],
    [download('old', 'done'), download('a', 'done', 100), download('b', 'running', 20)],
    [download('old', 'done'), download('a', 'done', 100), download('b', 'failed', 20)],
    [download('old', 'done'), download('a', 'done', 100), download('b', 'failed', 20), download('c', 'done')],
  ]
  const { presence } = messages('en').menu
  const told = (await seen(lists)).filter((call) => !/^(bar|awake|sleep)/.test(call))
  expect(told).toEqual([presence.done({ name: 'a.gguf' }), presence.failed({ name: 'b.gguf' })])
  expect((await seen(lists, true)).filter((call) => !/^(bar|awake|sleep)/.test(call))).toEqual([])
})

it('lets the machine sleep when the stream ends in the middle of a download', async () => {
  expect(await seen([[download('a', 'running', 50)]])).toEqual(['awake', 'bar 0.5', 'sleep', 'bar -1'])
})

it('tells of no failure that is tried again by itself', async () => {
  const failed = download('a', 'failed')
  const { failed: words } = messages('en').menu.presence
  const told = words({ name: 'a.gguf' })
  expect(await seen([[download('a', 'running')], [{ ...failed, retryAt: 1 }]])).not.toContain(told)
  expect(await seen([[download('a', 'running')], [failed]])).toContain(told)
})
