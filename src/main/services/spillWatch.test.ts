import { expect, test } from 'vitest'
import type { EngineStatus } from '@shared/domain/library'
import { GiB, MiB } from '@shared/domain/units'
import { SpillWatch } from './spillWatch'

const ready = (more: Partial<Extract<EngineStatus, { state: 'ready' }>> = {}): EngineStatus => ({
  state: 'ready',
  modelId: 'm',
  contextSize: 8192,
  gpuLayers: 33,
  totalLayers: 33,
  threads: 8,
  backend: 'vulkan',
  parts: [
    { device: 'gpu0', kind: 'weights', bytes: 6 * GiB },
    { device: 'cpu', kind: 'weights', bytes: 300 * MiB },
  ],
  level: 'measured',
  ladder: [],
  ...more,
})

function house(more: { own?: boolean; says?: boolean } = {}) {
  const listeners = new Set<() => void>()
  const state: { status: EngineStatus; used: number } = { status: { state: 'empty' }, used: 200 * MiB }
  const watch = new SpillWatch({
    host: {
      status: () => state.status,
      onStatus: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    read: async () => (more.says === false ? null : state.used),
    ownMemory: async () => more.own ?? true,
  })
  const set = (status: EngineStatus) => {
    state.status = status
    for (const listener of listeners) listener()
  }
  const load = (used: number, status = ready()) => {
    set({ state: 'loading', modelId: 'm', fraction: 0 })
    set({ state: 'loading', modelId: 'm', fraction: 0.5 })
    state.used = used
    set(status)
  }
  return { watch, load, state, listeners }
}

test('what the cards use of RAM beyond the buffers that belong there was moved', async () => {
  const { watch, load, state } = house()
  expect(await watch.moved()).toBeNull()
  load(500 * MiB)
  expect(await watch.moved()).toBe(0)
  // Other programs took the card's memory meanwhile: 2 GiB of the model are in RAM now.
  state.used = 500 * MiB + 2 * GiB
  expect(await watch.moved()).toBe(2 * GiB)
  state.used = 500 * MiB + 200 * MiB
  expect(await watch.moved()).toBe(0)
})

test('each load begins anew: what was in RAM before is not its own', async () => {
  const { watch, load } = house()
  load(3 * GiB)
  expect(await watch.moved()).toBeGreaterThan(2 * GiB)
  load(3 * GiB)
  expect(await watch.moved()).toBe(0)
})

test('nobody says: no such figures, no layer on a card, a card whose memory is RAM, nothing loaded', async () => {
  for (const { watch, load } of [house({ says: false }), house({ own: false })]) {
    load(5 * GiB)
    expect(await watch.moved()).toBeNull()
  }
  const { watch, load, listeners } = house()
  load(5 * GiB, ready({ gpuLayers: 0 }))
  expect(await watch.moved()).toBeNull()
  load(5 * GiB, ready({ backend: 'cpu' }))
  expect(await watch.moved()).toBeNull()
  watch.dispose()
  expect(listeners.size).toBe(0)
})
