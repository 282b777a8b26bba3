import { MiB } from '@shared/domain/units'
import { describe, expect, it } from 'vitest'
import { createBufferLog, parseBufferLine, sumBuffers } from './bufferLog'

/** Lines of llama.cpp v0.4.0 as node-llama-cpp 3.21.1 hands them over. */
const cpu = [
  'load_tensors:          CPU model buffer size =    92.10 MiB',
  'llama_context:        CPU  output buffer size =     0.19 MiB',
  'llama_kv_cache:        CPU KV buffer size =    45.00 MiB',
  'llama_kv_cache: size =   45.00 MiB (  2048 cells,  30 layers,  1/1 seqs), K (f16):   22.50 MiB, V (f16):   22.50 MiB',
  'sched_reserve:        CPU compute buffer size =   102.51 MiB',
]
const vulkan = [
  'load_tensors:   CPU_Mapped model buffer size =   205.49 MiB',
  'load_tensors:      Vulkan0 model buffer size =   557.32 MiB',
  'llama_context: Vulkan_Host  output buffer size =     0.49 MiB',
  'llama_kv_cache:    Vulkan0 KV buffer size =   128.00 MiB',
  'sched_reserve:    Vulkan0 compute buffer size =    60.01 MiB',
  'sched_reserve: Vulkan_Host compute buffer size =   258.50 MiB',
]

describe('buffer log', () => {
  it.each([
    [cpu[0], { buffer: 'CPU', device: 'cpu', kind: 'weights', stage: 'model', bytes: Math.round(92.1 * MiB) }],
    [cpu[1], { buffer: 'CPU', device: 'cpu', kind: 'output', stage: 'context', bytes: Math.round(0.19 * MiB) }],
    [cpu[2], { buffer: 'CPU', device: 'cpu', kind: 'kv', stage: 'context', bytes: 45 * MiB }],
    [cpu[3], null],
    ['load_tensors:   CPU_REPACK model buffer size =   445.50 MiB', { device: 'cpu', kind: 'repack' }],
    ['load_tensors:          AMX model buffer size =   213.91 MiB', { device: 'cpu', kind: 'repack' }],
    ['llama_memory_recurrent:        CPU RS buffer size =     1.25 MiB', { device: 'cpu', kind: 'state' }],
    ['load_tensors:        CUDA1 model buffer size =  4000.00 MiB', { device: 'gpu1', kind: 'weights' }],
    ['load_tensors:    CUDA_Host model buffer size =  4000.00 MiB', { device: 'cpu', kind: 'weights' }],
    ['load_tensors:  MTL0_Mapped model buffer size =  4000.00 MiB', { device: 'gpu0', kind: 'weights' }],
    [vulkan[4], { device: 'gpu0', kind: 'compute' }],
    [vulkan[5], { device: 'cpu', kind: 'compute' }],
    ['print_info: file size   = 92.10 MiB (5.74 BPW) ', null],
  ])('reads %s', (text, expected) => {
    const parsed = parseBufferLine(text ?? '')
    if (expected === null) expect(parsed).toBeNull()
    else expect(parsed).toMatchObject(expected)
  })

  it('adds up to exact totals and says complete', () => {
    const totals = { model: { ram: 96_576_768, vram: 0 }, context: { ram: 154_679_296, vram: 0 } }
    const sum = sumBuffers(
      cpu.flatMap((text) => parseBufferLine(text) ?? []),
      totals,
    )
    expect(sum.completeness).toBe('complete')
    const bytes = (kinds: string[]) => sum.parts.filter((part) => kinds.includes(part.kind)).reduce((all, part) => all + part.bytes, 0)
    expect(bytes(['weights'])).toBe(totals.model.ram)
    expect(bytes(['kv', 'compute'])).toBe(totals.context.ram)
    expect(sum.parts.map((part) => part.kind).sort()).toEqual(['compute', 'kv', 'output', 'weights'])
  })

  it('keeps devices apart', () => {
    const totals = {
      model: { ram: Math.round(205.492 * MiB), vram: Math.round(557.318 * MiB) },
      context: { ram: Math.round(258.5 * MiB), vram: Math.round(188.012 * MiB) },
    }
    const sum = sumBuffers(
      vulkan.flatMap((text) => parseBufferLine(text) ?? []),
      totals,
    )
    expect(sum.completeness).toBe('complete')
    expect(sum.parts.find((part) => part.device === 'gpu0' && part.kind === 'weights')?.bytes).toBe(totals.model.vram)
  })

  it('waits for late lines, and says totals-only when they never come', async () => {
    const totals = { model: { ram: 96_576_768, vram: 0 }, context: { ram: 154_679_296, vram: 0 } }
    const late = createBufferLog()
    for (const text of cpu.slice(0, 3)) late.push(text)
    setTimeout(() => late.push(cpu[4] ?? ''), 60)
    expect((await late.settle(totals)).completeness).toBe('complete')

    const never = createBufferLog()
    const sum = await never.settle(totals, 50)
    expect(sum.completeness).toBe('totals-only')
    expect(sum.parts.reduce((all, part) => all + part.bytes, 0)).toBe(totals.model.ram + totals.context.ram)
  })
})
