import { readFile, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Bytes } from '@shared/domain/units'

/** What Linux' amdgpu driver says of one card: `mem_info_*` (kernel documentation, "AMDGPU driver: misc information"). */
export interface AmdMemory {
  /** As lspci writes it: `03:00.0`, the domain only where it is not the first. */
  busAddress: string
  vramTotal: Bytes
  vramUsed: Bytes
  /** RAM that the card may use, and what it uses of it now. */
  gttTotal: Bytes
  gttUsed: Bytes
}

/** Every card of the driver; none where there is no such driver or another system. */
export async function readAmdMemory(root = '/sys/class/drm'): Promise<AmdMemory[]> {
  // Another system, or a container without this folder.
  const cards = (await readdir(root).catch(() => [])).filter((name) => /^card\d+$/.test(name)).toSorted()
  const rows = await Promise.all(cards.map((name) => readCard(join(root, name, 'device'))))
  return rows.filter((row) => row !== null)
}

/** RAM that the cards use now; null where no driver says. NVIDIA's says nothing of it, and refuses where memory is out (Linux). */
export async function readLentRam(root?: string): Promise<Bytes | null> {
  const cards = await readAmdMemory(root)
  return cards.length === 0 ? null : cards.reduce((sum, { gttUsed }) => sum + gttUsed, 0)
}

async function readCard(device: string): Promise<AmdMemory | null> {
  const figure = async (name: string): Promise<number> => Number((await readFile(join(device, `mem_info_${name}`), 'utf8')).trim())
  try {
    const [vramTotal, vramUsed, gttTotal, gttUsed, uevent] = await Promise.all([
      figure('vram_total'),
      figure('vram_used'),
      figure('gtt_total'),
      figure('gtt_used'),
      readFile(join(device, 'uevent'), 'utf8'),
    ])
    const slot = /^PCI_SLOT_NAME=(.+)$/m.exec(uevent)?.[1] ?? basename(device)
    return { busAddress: slot.replace(/^0000:/, ''), vramTotal, vramUsed, gttTotal, gttUsed }
  } catch {
    // A card of another driver has none of these files.
    return null
  }
}
