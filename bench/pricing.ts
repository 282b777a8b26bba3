import type { Calibration } from '@shared/domain/calibration'
import { exampleMachines } from '@shared/domain/exampleMachines'
import type { Backend } from '@shared/domain/hardware'
import { mergeHardware } from '@shared/domain/mergeHardware'
import { loadCatalog } from '../src/main/services/catalog'
import { RecommendationService } from '../src/main/services/recommendation'
import { atMost, type Figure } from './lib/report'
import { median, spread } from './lib/stats'

/** A frame: the header of Discover prices the whole catalogue with each change. */
const frameMs = 16
const machines = /^(Apple M1|RTX 4070|two unequal|no GPU, 8|a card that is busy)/

/** A processor and a card as measured here and there: what counts is that all of it is reckoned with, not what it says. */
const measured = (backend: Backend): Calibration => ({
  backend,
  device: backend,
  threads: { decode: 2, prefill: 2 },
  load: 0,
  bandwidth: { Q4_K: 17e9, Q6_K: 14e9, Q8_0: 26e9, Q5_0: 7e9, Q4_1: 29e9, Q5_K: 13e9 },
  flops: { Q4_K: 700e9, Q6_K: 370e9, Q8_0: 700e9, Q5_0: 200e9, Q4_1: 600e9, Q5_K: 650e9 },
  output: 1.1,
  tokenMs: 0.2,
  layerMs: 0.01,
  vocabularyMs: 0.004,
  depthMs: 170,
  prefillLayerMs: 0.01,
  prefillDepth: [64, 128, 256].map((headDim) => ({ headDim, ms: headDim / 20 })),
  beyond: {
    fromBytes: 112e6,
    toBytes: 400e6,
    decode: { Q4_K: 18e9, Q8_0: 25e9 },
    prompt: {
      Q4_K: [
        { width: 2048, factor: 1.2 },
        { width: 4096, factor: 0.9 },
      ],
      Q8_0: [{ width: 2048, factor: 1.2 }],
    },
  },
  mixture: { decode: 1.1, prefill: 2.8 },
  spread: 0.03,
})

/** Every model of the catalogue at every quantization, on machines where all lies on the card, where it is split, and where there is none. */
export default async function pricing(args: string[]): Promise<Figure[]> {
  const rounds = Number(args[0] ?? 15)
  const catalog = loadCatalog()
  const figures: Figure[] = []
  const chosen = exampleMachines
    .filter((machine) => machines.test(machine.name))
    .flatMap((machine) => [false, true].map((calibrated) => ({ ...machine, calibrated })))
  for (const { name, raw, calibrated } of chosen) {
    const report = mergeHardware(raw)
    const calibrations = async () => (calibrated ? (['cpu', 'cuda', 'metal', 'vulkan'] as const).map(measured) : [])
    const service = new RecommendationService({ catalog, hardware: { report: async () => report }, calibrations })
    const taken: number[] = []
    for (let round = -10; round < rounds; round++) {
      const before = process.cpuUsage()
      // Another context each time, so that nothing of the last round can be given again.
      await service.recommend({ use: 'chat', contextSize: 8_192 + round * 256 })
      const { user, system } = process.cpuUsage(before)
      if (round >= 0) taken.push((user + system) / 1000)
    }
    figures.push(
      atMost(`the catalogue priced on ${name.split(/[:,]/)[0] ?? name}${calibrated ? ', calibrated' : ''}`, median(taken), frameMs, {
        unit: 'ms of processor time',
        spread: spread(taken),
        note: `${catalog.entries.length} models`,
      }),
    )
  }
  return figures
}
