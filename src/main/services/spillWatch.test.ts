import { expect, test } from 'vitest'
import { card, machine, probe, windows } from '@shared/domain/exampleParts'
import type { EngineStatus } from '@shared/domain/library'
import { mergeHardware } from '@shared/domain/mergeHardware'
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

const discrete = machine(32, 20, {
  graphics: [card('AMD', 'Radeon RX 7800 XT', 16)],
  probes: [probe('vulkan', ['AMD Radeon RX 7800 XT', 16, 15]), probe('cpu')],
  os: windows,
})
const apu = machine(32, 20, {
  graphics: [card('AMD', 'Radeon 780M', 0.5, true)],
  probes: [probe('vulkan', ['AMD Radeon 780M', 16, 15]), probe('cpu')],
})

function house(more: { own?: boolean; says?: boolean } = {}) {
  const listeners = new Set<() => void>()
  const asked: (number | undefined)[] = []
  const state: { status: EngineStatus; used: number } = { status: { state: 'empty' }, used: 200 * MiB }
  const watch = new SpillWatch({
    host: {
      status: () => state.status,
      get loaded() {
        return state.status.state === 'ready' ? { pid: 4242 } : null
      },
      onStatus: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    read: async (pid) => {
      asked.push(pid)
      return more.says === false ? null : state.used
    },
    hardware: { report: async () => mergeHardware(more.own === false ? apu : discrete) },
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
  return { watch, load, state, listeners, asked }
}

test('what the cards use of RAM beyond the buffers that belong there was moved', async () => {
  const { watch, load, state, asked } = house()
  expect(await watch.moved()).toBeNull()
  load(500 * MiB)
  expect(await watch.moved()).toBe(0)
  // Other programs took the card's memory meanwhile: 2 GiB of the model are in RAM now.
  state.used = 500 * MiB + 2 * GiB
  expect(await watch.moved()).toBe(2 * GiB)
  // Before the load there was no process to ask of.
  expect(asked).toEqual([undefined, 4242, 4242])
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
