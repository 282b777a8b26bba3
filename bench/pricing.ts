import { exampleMachines } from '@shared/domain/exampleMachines'
import { mergeHardware } from '@shared/domain/mergeHardware'
import { loadCatalog } from '../src/main/services/catalog'
import { RecommendationService } from '../src/main/services/recommendation'
import { atMost, type Figure } from './lib/report'
import { median, spread } from './lib/stats'

/** A frame: the header of Discover prices the whole catalogue with each change. */
const frameMs = 16
const machines = /^(Apple M1|RTX 4070|two unequal|no GPU, 8|a card that is busy)/

/** Every model of the catalogue at every quantization, on machines where all lies on the card, where it is split, and where there is none. */
export default async function pricing(args: string[]): Promise<Figure[]> {
  const rounds = Number(args[0] ?? 15)
  const catalog = loadCatalog()
  const figures: Figure[] = []
  for (const { name, raw } of exampleMachines.filter((machine) => machines.test(machine.name))) {
    const report = mergeHardware(raw)
    const service = new RecommendationService({ catalog, hardware: { report: async () => report } })
    const taken: number[] = []
    for (let round = -10; round < rounds; round++) {
      const before = process.cpuUsage()
      // Another context each time, so that nothing of the last round can be given again.
      await service.recommend({ use: 'chat', contextSize: 8_192 + round * 256 })
      const { user, system } = process.cpuUsage(before)
      if (round >= 0) taken.push((user + system) / 1000)
    }
    figures.push(
      atMost(`the catalogue priced on ${name.split(/[:,]/)[0] ?? name}`, median(taken), frameMs, {
        unit: 'ms of processor time',
        spread: spread(taken),
        note: `${catalog.entries.length} models`,
      }),
    )
  }
  return figures
}
