import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ElectronApplication, _electron } from '@playwright/test'
import { checkout, electronBinary, freshCache, launchSnug, sandboxed } from '../e2e/fixtures/launch'
import { newChat } from '../e2e/fixtures/models'
import { blankWindow } from './lib/blankWindow'
import { memoryOf, runningCopies } from './lib/processMemory'
import { atMost, type Figure, say, shown } from './lib/report'
import { median, spread } from './lib/stats'

/** What the first look at a page still does is over by then, milliseconds. */
const idleMs = 10_000
const megabyte = 1_000_000

interface Start {
  usableMs: number
  bytes: number
}

/** What Snug adds to the start and the memory of the Electron that it runs on. */
export default async function startup(args: string[]): Promise<Figure[]> {
  const rounds = Number(args[0] ?? 5)
  const folder = mkdtempSync(join(tmpdir(), 'snug-bench-'))
  const dataDir = join(folder, 'data')
  const cacheDir = freshCache(true)
  try {
    // The second start is what a person has every day: the first page was left, the library knows its models.
    const first = await launchSnug({ dataDir, cacheDir })
    await newChat(first.page)
    await first.page.waitForTimeout(3_000)
    await first.close()

    const blank = blankWindow(join(folder, 'blank'))
    const seen: { ours: Start; blank: Start }[] = []
    let others = 0
    for (let round = 0; round <= rounds; round++) {
      others = Math.max(others, runningCopies(electronBinary()))
      const theirs = await start(blank, {})
      const ours = await start(checkout, { SNUG_DATA: dataDir, SNUG_CACHE: cacheDir, HF_ENDPOINT: 'http://127.0.0.1:9' })
      say(`${round}: Snug ${told(ours)}; blank window ${told(theirs)}`)
      // The first of each fills the system's file cache.
      if (round > 0) seen.push({ ours, blank: theirs })
    }
    const more = (pick: (start: Start) => number) => seen.map(({ ours, blank: theirs }) => pick(ours) - pick(theirs))
    const time = more(({ usableMs }) => usableMs)
    const memory = more(({ bytes }) => bytes / megabyte)
    const blankTimes = seen.map((pair) => pair.blank.usableMs)
    const blankBytes = seen.map((pair) => pair.blank.bytes / megabyte)
    return [
      atMost('launch to usable composer, minus a blank window', median(time), 400, { unit: 'ms', spread: spread(time) }),
      atMost('idle memory of all processes (PSS), minus a blank window', median(memory), 120, {
        unit: 'MB',
        spread: spread(memory),
        ...(others > 0 ? { note: `${others} other processes of the same Electron shared pages with these` } : {}),
      }),
      shown('blank window: launch to usable', median(blankTimes), { unit: 'ms', spread: spread(blankTimes) }),
      shown('blank window: idle memory of all processes (PSS)', median(blankBytes), { unit: 'MB', spread: spread(blankBytes) }),
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
    rmSync(cacheDir, { recursive: true, force: true })
  }
}

async function start(program: string, env: Record<string, string>): Promise<Start> {
  const inherited = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const began = Date.now()
  const app = await _electron.launch({
    executablePath: electronBinary(),
    args: [program],
    chromiumSandbox: sandboxed,
    env: { ...Object.fromEntries(inherited), LANG: 'en_US.UTF-8', ...env },
  })
  try {
    const page = await app.firstWindow()
    const usable = await page.evaluate(async () => {
      // The page notes the moment itself: when this looks does not matter.
      for (;;) {
        const mark = performance.getEntriesByName('composer-usable')[0]
        if (mark !== undefined) return performance.timeOrigin + mark.startTime
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })
    await page.waitForTimeout(idleMs)
    return { usableMs: usable - began, bytes: totalMemory(app) }
  } finally {
    await app.close()
  }
}

function totalMemory(app: ElectronApplication): number {
  const processes = memoryOf(app.process().pid ?? 0)
  if (process.env.SNUG_BENCH_DETAIL === '1') say(processes.map(({ role, bytes }) => `${role} ${(bytes / megabyte).toFixed(0)}`).join(', '))
  return processes.reduce((sum, { bytes }) => sum + bytes, 0)
}

function told({ usableMs, bytes }: Start): string {
  return `${usableMs.toFixed(0)} ms, ${(bytes / megabyte).toFixed(0)} MB`
}
