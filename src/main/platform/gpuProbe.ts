import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import os from 'node:os'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { NvidiaSmi, RawHardware, SystemGraphics } from '@shared/domain/hardware'
import { MiB } from '@shared/domain/units'
import { readAmdMemory } from './amdMemory'
import { availableRam, groupCores, groupMemoryLimit } from './cgroup'

/** What changes while the app runs, and what does not: the second half is slow and asked once. */
export type StaticHardware = Pick<RawHardware, 'graphics' | 'cpu' | 'os'> & { modules: RawHardware['ram']['modules'] }

const smiTimeoutMs = 3000
const systemTimeoutMs = 8000

/** A driver that hangs must not hang us: `nvidia-smi` gets three seconds. */
export function readNvidiaSmi(program = 'nvidia-smi', timeoutMs = smiTimeoutMs): Promise<NvidiaSmi> {
  const query = ['--query-gpu=name,memory.total,memory.free,driver_version', '--format=csv,noheader,nounits']
  return new Promise((resolve) => {
    const started = Date.now()
    const child = execFile(program, query, { timeout: timeoutMs, killSignal: 'SIGKILL', windowsHide: true }, (error, stdout) => {
      if (error === null) resolve(parseNvidiaSmi(stdout))
      else if ('code' in error && error.code === 'ENOENT') resolve({ state: 'missing', detail: 'nvidia-smi is not installed' })
      else if (error.killed === true || Date.now() - started >= timeoutMs)
        resolve({ state: 'timed-out', detail: `no answer in ${timeoutMs} ms` })
      else resolve({ state: 'failed', detail: (stdout.trim() || error.message).slice(0, 500) })
    })
    child.on('error', () => {
      // The callback above reports it; without a listener it would be thrown.
    })
  })
}

/** One line a card: `NVIDIA GeForce RTX 4070, 12282, 11200, 580.82`; MiB. `[N/A]` (unified memory of a GB10) leaves the card to the engine. */
export function parseNvidiaSmi(stdout: string): NvidiaSmi {
  const gpus = stdout.split('\n').flatMap((line) => {
    const cells = line.split(',').map((cell) => cell.trim())
    const [name, total, free, driver] = cells
    const [totalMiB, freeMiB] = [Number(total), Number(free)]
    if (name === undefined || !Number.isFinite(totalMiB) || !Number.isFinite(freeMiB) || totalMiB <= 0) return []
    return [{ name, totalBytes: totalMiB * MiB, freeBytes: freeMiB * MiB, driver: driver ?? '' }]
  })
  return { state: 'ok', gpus }
}

/**
 * systeminformation runs `nvidia-smi` synchronously and without a time limit, so it gets a thread of its own, and no graphics are asked
 * for where our own call found the driver hanging.
 */
export async function readStatic(driverHangs: boolean): Promise<StaticHardware> {
  const [answer, amd] = await Promise.all([askSystem(driverHangs), readAmdMemory()])
  const logicalCores = Math.max(1, os.cpus().length)
  const physicalCores = Math.min(logicalCores, answer.cpu?.physicalCores || logicalCores)
  return {
    graphics: (answer.controllers ?? []).map((controller) => {
      // Where the driver says it, its figure: systeminformation takes the window on the bus, or what OpenCL may use, which can be RAM.
      const card = amd.find(({ busAddress }) => busAddress === controller.busAddress)
      return card === undefined ? toGraphics(controller) : { ...toGraphics(controller), vramBytes: card.vramTotal, vramDynamic: false }
    }),
    modules: (answer.modules ?? []).map((module) => ({ megatransfers: module.clockSpeed ?? null })),
    cpu: {
      name: [answer.cpu?.manufacturer, answer.cpu?.brand].filter(Boolean).join(' ') || (os.cpus()[0]?.model ?? os.arch()),
      physicalCores,
      logicalCores,
      usableCores: usableCores(os.availableParallelism(), groupCores(), physicalCores, logicalCores),
      features: (answer.flags ?? '').split(/\s+/).filter((flag) => /^(avx|fma|f16c|sse4|neon|asimd|sve|amx|i8mm)/i.test(flag)),
    },
    os: {
      platform: process.platform,
      name: answer.os?.distro || os.type(),
      release: answer.os?.release || os.release(),
      arch: process.arch,
    },
  }
}

/**
 * Physical cores this process may use: affinity (which `availableParallelism` knows), then the control group's quota, then threads of one
 * core counted once. Two threads or fewer are taken as cores: there the topology is a virtual machine's and says nothing.
 */
export function usableCores(available: number, quota: number | null, physical: number, logical: number): number {
  const threads = Math.max(1, Math.min(available, quota === null ? available : Math.max(1, Math.floor(quota))))
  return threads <= 2 ? threads : Math.max(2, Math.round((threads * physical) / logical))
}

export function readRam(): Omit<RawHardware['ram'], 'modules'> {
  const limit = groupMemoryLimit()
  return { total: os.totalmem(), available: availableRam(limit), limit: limit === null ? null : limit.bytes }
}

/** Free space where models would go; the folder itself may not exist yet. */
export async function readDisk(folder: string): Promise<RawHardware['disk']> {
  let existing = folder
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing)
  try {
    const stats = await statfs(existing)
    return { path: folder, total: stats.blocks * stats.bsize, free: stats.bavail * stats.bsize }
  } catch {
    // A network folder that is away: the page then shows no disk rather than a wrong one.
    return null
  }
}

interface SystemAnswer {
  controllers?: Record<string, unknown>[]
  cpu?: { manufacturer?: string; brand?: string; physicalCores?: number }
  flags?: string
  modules?: { clockSpeed?: number | null }[]
  os?: { distro?: string; release?: string }
}

function askSystem(withoutGraphics: boolean): Promise<SystemAnswer> {
  const library = createRequire(import.meta.url).resolve('systeminformation')
  const source = `
    const { parentPort, workerData } = require('node:worker_threads')
    const si = require(workerData.library)
    const quiet = (call) => Promise.resolve().then(call).catch(() => undefined)
    Promise.all([
      workerData.withoutGraphics ? [] : quiet(() => si.graphics()).then((g) => g && g.controllers),
      quiet(() => si.cpu()), quiet(() => si.cpuFlags()), quiet(() => si.memLayout()), quiet(() => si.osInfo()),
    ]).then(([controllers, cpu, flags, modules, os]) => parentPort.postMessage(JSON.parse(JSON.stringify({ controllers, cpu, flags, modules, os }))))
  `
  return new Promise((resolve) => {
    const worker = new Worker(source, { eval: true, workerData: { library, withoutGraphics }, stdout: true, stderr: true })
    const done = (answer: SystemAnswer): void => {
      clearTimeout(timer)
      resolve(answer)
      void worker.terminate()
    }
    const timer = setTimeout(() => done({}), systemTimeoutMs)
    worker.unref()
    worker.once('message', (message: SystemAnswer) => done(message))
    // What it could not say is left to the other sources.
    worker.once('error', () => done({}))
  })
}

/** Windows' own figure has 32 bits and ends here: such a card has 4 GB or more, and nobody said how much. */
const windowsCeilingMiB = 4095

export function toGraphics(controller: Record<string, unknown>): SystemGraphics {
  const text = (field: string): string => (typeof controller[field] === 'string' ? controller[field] : '')
  const vram = controller.vram
  return {
    vendor: text('vendor'),
    model: text('name') || text('model'),
    bus: text('bus'),
    vramBytes: typeof vram === 'number' && vram > 0 && vram !== windowsCeilingMiB ? vram * MiB : null,
    vramDynamic: controller.vramDynamic === true,
    driver: text('driverVersion') || null,
  }
}
