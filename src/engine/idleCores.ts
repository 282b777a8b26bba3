import { cpus } from 'node:os'

/** Processor time of all cores so far, by idle and all. */
function times(): { idle: number; all: number; cores: number } {
  const list = cpus()
  let idle = 0
  let all = 0
  for (const { times: of } of list) {
    idle += of.idle
    all += of.idle + of.user + of.nice + of.sys + of.irq
  }
  return { idle, all, cores: list.length }
}

/**
 * How many cores had nothing to do since the last time it was asked; null where that cannot be told. A process that may not use all
 * cores of the machine (affinity, quota) learns nothing from the others' idleness.
 */
export function createIdleCores(usable: number, read: typeof times = times): () => number | null {
  let before = read()
  return () => {
    const now = read()
    const all = now.all - before.all
    const idle = now.idle - before.idle
    before = now
    return all <= 0 || usable < now.cores / 2 ? null : (idle / all) * now.cores
  }
}
