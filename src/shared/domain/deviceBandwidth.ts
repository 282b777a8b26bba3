/** Memory bandwidth by device, and where the figure is from. Paper figures of the makers; what a calibration finds on this machine replaces them. */
export interface DeviceSpec {
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
const nvidia = 'NVIDIA product specification'
const apple = 'Apple technical specification'
const amd = 'AMD product specification'
const intel = 'Intel product specification'
/** 2 × parameters × tokens/s at 512 tokens, Llama 3 8B Q4_K_M (facts: engine.md §4, XiongjieDai 2024 and llama.cpp pull requests). */
const measured = (tokensPerSecond: number) => 2 * 8.03e9 * tokensPerSecond

type Row = [match: RegExp, gigabytesPerSecond: number, prefillFlops: number | null, vramGiB: readonly number[], source: string]

const rows: Row[] = [
  [/rtx 5090 laptop/, 896, null, [24], nvidia],
  [/rtx 5090/, 1792, null, [32], nvidia],
  [/rtx 5080/, 960, null, [16], nvidia],
  [/rtx 5070 ti/, 896, null, [16], nvidia],
  [/rtx 5070/, 672, null, [12], nvidia],
  [/rtx 5060 ti/, 448, null, [8, 16], nvidia],
  [/rtx 5060/, 448, null, [8], nvidia],
  [/rtx 4090 laptop/, 576, null, [16], nvidia],
  [/rtx 4090/, 1008, measured(7139), [24], nvidia],
  [/rtx 4080 super/, 736, measured(5390), [16], nvidia],
  [/rtx 4080/, 717, measured(5390), [16], nvidia],
  [/rtx 4070 ti super/, 672, measured(3936), [16], nvidia],
  [/rtx 4070 ti/, 504, measured(3936), [12], nvidia],
  [/rtx 4070 laptop/, 256, null, [8], nvidia],
  [/rtx 4070/, 504, null, [12], nvidia],
  [/rtx 4060 ti/, 288, null, [8, 16], nvidia],
  [/rtx 4060/, 272, null, [8], nvidia],
  [/rtx 4050/, 192, null, [6], nvidia],
  [/rtx 3090 ti/, 1008, measured(4030), [24], nvidia],
  [/rtx 3090/, 936, measured(4030), [24], nvidia],
  [/rtx 3080 ti/, 912, measured(3729), [12], nvidia],
  [/rtx 3080/, 760, measured(3729), [10, 12], nvidia],
  [/rtx 3070 ti/, 608, measured(2403), [8], nvidia],
  [/rtx 3070/, 448, measured(2403), [8], nvidia],
  [/rtx 3060 ti/, 448, null, [8], nvidia],
  [/rtx 3060/, 360, null, [12], nvidia],
  [/rtx 3050/, 224, null, [8, 4], nvidia],
  [/rtx 2080 ti/, 616, null, [11], nvidia],
  [/rtx 2070/, 448, null, [8], nvidia],
  [/rtx 2060/, 336, null, [6], nvidia],
  [/gtx 1660/, 192, null, [6], nvidia],
  [/gtx 1080 ti/, 484, null, [11], nvidia],
  [/gtx 1060/, 192, null, [6], nvidia],
  [/gb10|dgx spark/, 273, null, [128], nvidia],
  [/gb200|b200/, 8000, null, [180], nvidia],
  [/h200/, 4800, null, [141], nvidia],
  [/h100 pcie/, 2000, null, [80], nvidia],
  [/h100/, 3350, null, [80], nvidia],
  [/a100.*80/, 1935, null, [80], nvidia],
  [/a100/, 1555, null, [40], nvidia],
  [/l40s/, 864, null, [48], nvidia],
  [/\bl4\b/, 300, null, [24], nvidia],
  [/rtx pro 6000/, 1792, null, [96], nvidia],
  [/rtx 6000 ada/, 960, null, [48], nvidia],
  [/a6000/, 768, null, [48], nvidia],
  [/a4000/, 448, null, [16], nvidia],
  [/tesla t4|\bt4\b/, 320, null, [16], nvidia],
  [/tesla p40/, 346, null, [24], nvidia],
  [/9070 xt/, 640, null, [16], amd],
  [/rx 9070/, 640, null, [16], amd],
  [/9060 xt/, 320, null, [8, 16], amd],
  [/r9700/, 640, null, [32], amd],
  [/7900 xtx/, 960, null, [24], amd],
  [/7900 xt/, 800, null, [20], amd],
  [/7900 gre/, 576, null, [16], amd],
  [/7800 xt/, 624, null, [16], amd],
  [/7700 xt/, 432, null, [12], amd],
  [/rx 7600/, 288, null, [8], amd],
  [/6900 xt|6800 xt|rx 6800/, 512, null, [16], amd],
  [/6700 xt/, 384, null, [12], amd],
  [/rx 6600/, 224, null, [8], amd],
  [/mi300x/, 5300, null, [192], amd],
  [/8060s|strix halo|ryzen ai max/, 256, null, [128], amd],
  [/890m|strix point/, 120, null, [32], amd],
  [/780m|760m|phoenix/, 89.6, null, [16], amd],
  [/680m/, 76.8, null, [16], amd],
  [/arc.*b580/, 456, null, [12], intel],
  [/arc.*b570/, 380, null, [10], intel],
  [/arc.*a770/, 560, null, [16, 8], intel],
  [/arc.*a750/, 512, null, [8], intel],
  [/arc.*140v|lunar lake/, 136.5, null, [16], intel],
  [/iris.*xe/, 68, null, [8], intel],
  [/m3 ultra/, 819, null, [96, 256, 512], apple],
  [/m2 ultra/, 800, measured(994), [64, 128, 192], apple],
  [/m1 ultra/, 800, null, [64, 128], apple],
  [/m5/, 153, null, [16, 24, 32], apple],
  [/m4 max/, 546, null, [36, 48, 64, 128], apple],
  [/m3 max/, 400, null, [36, 48, 64, 128], apple],
  [/m2 max/, 400, null, [32, 64, 96], apple],
  [/m1 max/, 400, measured(408), [32, 64], apple],
  [/m4 pro/, 273, null, [24, 48, 64], apple],
  [/m3 pro/, 150, null, [18, 36], apple],
  [/m2 pro/, 200, null, [16, 32], apple],
  [/m1 pro/, 200, null, [16, 32], apple],
  [/\bm4\b/, 120, measured(225), [16, 24, 32], apple],
  [/\bm3\b/, 100, null, [8, 16, 24], apple],
  [/\bm2\b/, 100, null, [8, 16, 24], apple],
  [/\bm1\b/, 68.25, measured(94), [8, 16], apple],
]

export const deviceSpecs: readonly DeviceSpec[] = rows.map(([match, gigabytesPerSecond, prefillFlops, vramGiB, source]) => ({
  match,
  bytesPerSecond: gigabytesPerSecond * GB,
  prefillFlops,
  vramGiB,
  source,
}))

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
