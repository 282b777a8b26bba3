import { expect, test } from 'vitest'
import { createFakeEngine } from '../../engine/fakeEngine'
import type { Backend, EngineProbe } from '@shared/domain/hardware'
import type { EngineCalls } from '@shared/engine/protocol'
import { GiB } from '@shared/domain/units'
import { BackendProbes } from './backendProbes'

const fail = (): never => {
  throw new Error('each backend is asked by its name')
}

/** A machine whose card the Vulkan driver sees once it is repaired. */
function house(card: { state: 'none' | 'crashes' | 'works'; free: number }) {
  let asked = 0
  let running = 0
  let most = 0
  const answer = (backend: EngineCalls['probe']['args']['backend']): EngineProbe => ({
    backend: backend === 'auto' ? fail() : backend,
    llamaVersion: 'b1',
    devices: backend === 'vulkan' && card.state === 'works' ? [{ name: 'Card', totalBytes: 8 * GiB, freeBytes: card.free }] : [],
    vram: { totalBytes: 0, freeBytes: 0, unifiedBytes: 0 },
    ram: { totalBytes: 0, freeBytes: 0 },
    systemInfo: '',
  })
  const fork = createFakeEngine({
    handlers: {
      probe: async ({ backend }, call) => {
        if (backend === 'cuda') asked++
        most = Math.max(most, ++running)
        const free = answer(backend)
        await new Promise((resolve) => setTimeout(resolve, 1))
        running--
        if (backend === 'vulkan' && card.state === 'crashes') call.exit()
        return free
      },
    },
  })
  return { probes: new BackendProbes(fork, 'linux'), fork, asked: () => asked, most: () => most }
}

const vulkan = (rows: readonly { backend: Backend }[]) => rows.find((row) => row.backend === 'vulkan')

test('a driver that crashed is asked again when it is wished, and only then', async () => {
  const card: Parameters<typeof house>[0] = { state: 'crashes', free: 7 * GiB }
  const { probes, fork, asked } = house(card)
  expect(vulkan(await probes.probe())).toMatchObject({ state: 'crashed' })
  card.state = 'works'
  expect(vulkan(await probes.probe())).toMatchObject({ state: 'crashed' })
  expect(asked()).toBe(1)
  expect(vulkan(await probes.probe({ fresh: true }))).toMatchObject({ devices: [{ name: 'Card' }] })
  expect(vulkan(await probes.probe())).toMatchObject({ devices: [{ name: 'Card' }] })
  expect(asked()).toBe(2)
  expect(fork.processes.some(({ alive }) => alive)).toBe(false)
})

test("a card's memory is asked again after a model came or went; without a card there is nothing to ask", async () => {
  const card: Parameters<typeof house>[0] = { state: 'works', free: 7 * GiB }
  const { probes, asked } = house(card)
  await probes.probe()
  card.free = 2 * GiB
  expect(vulkan(await probes.probe())).toMatchObject({ devices: [{ freeBytes: 7 * GiB }] })
  const since = Date.now() + 1
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(vulkan(await probes.probe({ since }))).toMatchObject({ devices: [{ freeBytes: 2 * GiB }] })
  await probes.probe({ since })
  expect(asked()).toBe(2)

  const bare = house({ state: 'none', free: 0 })
  await bare.probes.probe()
  await bare.probes.probe({ since: Date.now() + 1 })
  expect(bare.asked()).toBe(1)
})

test('wishes at one moment share one round; one that began before the model came is not taken for it; never two at once', async () => {
  const card: Parameters<typeof house>[0] = { state: 'works', free: 7 * GiB }
  const { probes, asked, most } = house(card)
  const before = probes.probe()
  expect(await Promise.all([probes.probe(), probes.probe({ fresh: true })])).toEqual([await before, await before])
  expect(asked()).toBe(1)
  const early = probes.probe({ fresh: true })
  await new Promise((resolve) => setTimeout(resolve, 2))
  const since = Date.now()
  const late = probes.probe({ since })
  card.free = 2 * GiB
  await early
  expect(vulkan(await late)).toMatchObject({ devices: [{ freeBytes: 2 * GiB }] })
  expect(vulkan(await probes.probe())).toMatchObject({ devices: [{ freeBytes: 2 * GiB }] })
  expect(asked()).toBe(3)
  expect(most()).toBe(1)
})
