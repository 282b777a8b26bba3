import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readAmdMemory, readLentRam } from './amdMemory'

test('cards of amdgpu, with the address that lspci uses; other cards and connectors are left out', async () => {
  const root = mkdtempSync(join(tmpdir(), 'snug-drm-'))
  const card = (name: string, files: Record<string, string>) => {
    mkdirSync(join(root, name, 'device'), { recursive: true })
    for (const [file, text] of Object.entries(files)) writeFileSync(join(root, name, 'device', file), text)
  }
  // Figures of a Ryzen AI MAX+ 395 with 128 GB (noamsto/nix-amd-ai, issue 42).
  card('card1', {
    mem_info_vram_total: '4294967296\n',
    mem_info_vram_used: '310378496\n',
    mem_info_gtt_total: '103079215104\n',
    mem_info_gtt_used: '52428800\n',
    uevent: 'DRIVER=amdgpu\nPCI_CLASS=38000\nPCI_SLOT_NAME=0000:c4:00.0\n',
  })
  card('card0', { uevent: 'DRIVER=nvidia\nPCI_SLOT_NAME=0000:01:00.0\n' })
  mkdirSync(join(root, 'card1-DP-1'))
  expect(await readAmdMemory(root)).toEqual([
    { busAddress: 'c4:00.0', vramTotal: 4_294_967_296, vramUsed: 310_378_496, gttTotal: 103_079_215_104, gttUsed: 52_428_800 },
  ])
  expect(await readAmdMemory(join(root, 'nowhere'))).toEqual([])
  expect(await readLentRam(root)).toBe(52_428_800)
  expect(await readLentRam(join(root, 'nowhere'))).toBeNull()
})
