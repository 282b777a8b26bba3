import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // The process ended meanwhile, or is not ours.
    return ''
  }
}

/** A process and all that it started, theirs too. */
function treeOf(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    // The name in brackets can hold anything; the parent is the second field after it.
    const parent = Number(
      read(`/proc/${name}/stat`)
        .replace(/^.*\) /s, '')
        .split(' ')[1],
    )
    if (parent > 0) parents.set(Number(name), parent)
  }
  const tree = [root]
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.push(child)
  return tree
}

export interface ProcessMemory {
  pid: number
  /** What it does: `--type=renderer`, or the program's name. */
  role: string
  bytes: number
}

/** Proportional set sizes: pages that several processes share count once in all. Linux only. */
export function memoryOf(root: number): ProcessMemory[] {
  return treeOf(root).map((pid) => {
    // Chromium writes its children's command lines with spaces.
    const words = read(`/proc/${pid}/cmdline`).split(/[\0 ]/)
    const role = words.find((word) => word.startsWith('--type=') || word.startsWith('--utility-sub-type='))?.replace(/^--[\w-]+=/, '')
    const kib = /^Pss:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? '0'
    return { pid, role: role ?? 'main', bytes: Number(kib) * 1024 }
  })
}

/** Processes of that program that are running: what they share with ours counts less in ours. */
export function runningCopies(program: string): number {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readlinkSync(`/proc/${name}/exe`) === program
    } catch {
      // Ended meanwhile, or another user's.
      return false
    }
  }).length
}
