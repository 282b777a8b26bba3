import { expect, test } from 'vitest'
import { createFakeEngine } from '../../engine/fakeEngine'
import { defaultFacts } from '../../engine/fakeFacts'
import { silentLog } from '@shared/log'
import { ToolsLane } from './toolsLane'

const request = { source: { kind: 'file' as const, path: '/m.gguf' }, messages: [], thinking: { mode: 'default' as const } }
const answer = defaultFacts.render
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A lane whose worker needs `ms` by the clock for a template, and has `cpuMs` of the processor by then. */
function lane(ms: number, cpuMsOf: () => number | null) {
  const fork = createFakeEngine({
    handlers: {
      render: async (args) => {
        await later(ms)
        return answer(args)
      },
    },
  })
  return { tools: new ToolsLane(fork, silentLog, { cpuMs: 100, cpuMsOf }), fork }
}

test('a template is limited by the processor time it takes, not by a busy machine', async () => {
  const idle = lane(500, () => 7)
  await expect(idle.tools.call('render', request)).resolves.toMatchObject({ text: '' })
  await idle.tools.dispose()

  let used = 1_000_000
  const endless = lane(60_000, () => (used += 60))
  await expect(endless.tools.call('render', request)).rejects.toMatchObject({ code: 'template/too-slow', data: { limitMs: 100 } })
  expect(endless.fork.processes.map(({ alive }) => alive)).toEqual([false])
  await endless.tools.dispose()
})

test('where nobody tells the time of another process, the clock is asked, with patience', async () => {
  const blind = lane(500, () => null)
  await expect(blind.tools.call('render', request)).resolves.toMatchObject({ text: '' })
  await blind.tools.dispose()
})
