import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { open, stat, statfs } from 'node:fs/promises'
import { cpus, freemem, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { bundle } from '../e2e/fixtures/bundle'
import { type RunningHub, startHub } from '../e2e/fixtures/hubServer'
import { resolveAddress } from '../src/main/platform/hub'
import type { JobSpec } from '../src/main/platform/downloadTypes'
import { startRelay } from './lib/relay'
import { atLeast, atMost, type Figure, say, shown } from './lib/report'
import { median, spread } from './lib/stats'

const run = promisify(execFile)
const MiB = 1024 * 1024
const repository = 'bench/download-GGUF'
const bigFile = 'big-Q8_0.gguf'
const farFile = 'far-Q8_0.gguf'
const bigBytes = 2_048 * MiB
/** Just large enough to be fetched over several connections. */
const farBytes = 65 * MiB
/** curl's speed through the slow link shows in a part of it. */
const curlFarBytes = 12 * MiB
/** What 1 % loss leaves of a TCP connection at a round trip of 40 ms (Mathis et al. 1997: MSS / RTT · 1.22 / √p). */
const badLink = { delayMs: 20, bytesPerSecond: 450_000 }

const memoryDisk = '/dev/shm'

interface Ours {
  ms: number
  cpuMs: number
  maxRssBytes: number
}

/** `curl` alone, and what plain tools take until its file is as safe and as surely right as ours. */
interface Plain {
  bytesPerSecond: number
  cpuMs: number
  seconds: { curl: number; sync: number; sha256sum: number }
}

/**
 * Our download, verified and synced to disk, against `curl`, which does neither. `download netem` is what this calls in a network of
 * its own, where the kernel can lose packets.
 */
export default async function download(args: string[]): Promise<Figure[]> {
  const netem = args[0] === 'netem'
  const rounds = Number(args[0] ?? 3)
  const folder = mkdtempSync(join(tmpdir(), 'snug-bench-download-'))
  const worker = await bundle('src/main/platform/downloadWorker.ts')
  const child = await bundle('bench/lib/download.child.ts')
  let hub: RunningHub | null = null
  try {
    const files = {
      [bigFile]: await writeFile(join(folder, 'big'), netem ? MiB : bigBytes),
      [farFile]: await writeFile(join(folder, 'far'), farBytes),
    }
    let storageAddress: (() => string) | null = null
    hub = await startHub({ repositories: { [repository]: { files } }, storageAddress: () => storageAddress?.() ?? storage() })
    const { endpoint } = hub
    const storage = () => hub?.storage ?? ''
    const revision = hub.commit(repository)

    const ours = async (from: string, file: string, sizeBytes: number, disk = folder): Promise<Ours> => {
      const to = mkdtempSync(join(disk, 'ours-'))
      const part = {
        file,
        sizeBytes,
        sha256: Object.entries(files).find(([name]) => name === file)?.[1].sha256 ?? null,
        gitSha1: null,
        etag: null,
        ranges: [],
        done: false,
      }
      const spec: JobSpec = { id: 'bench', endpoint: from, repository, revision, folder: to, parts: [part], reserveBytes: 0 }
      const { stdout } = await run(process.execPath, [child, worker, JSON.stringify(spec)], {
        env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
      })
      if ((await stat(join(to, file))).size !== sizeBytes) throw new Error('not the whole file')
      rmSync(to, { recursive: true })
      await run('sync', [])
      return JSON.parse(stdout) as Ours
    }
    const plain = async (disk = folder): Promise<Plain> => {
      const to = join(disk, 'plain')
      const timed = async (file: string, options: string[]): Promise<number> => {
        const started = performance.now()
        await run(file, options)
        return (performance.now() - started) / 1_000
      }
      const address = resolveAddress(endpoint, repository, revision, bigFile)
      const script = `curl -sSfL -o "${to}" -w '%{speed_download}\\n' "${address}"; times`
      const [speed = '', , children = ''] = (await run('bash', ['-c', script])).stdout.split('\n')
      const sync = await timed('sync', [to])
      const sha256sum = await timed('sha256sum', [to])
      rmSync(to)
      await run('sync', [])
      const cpuMs = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + Number(m) * 60_000 + Number(s) * 1_000, 0)
      return { bytesPerSecond: Number(speed), cpuMs, seconds: { curl: bigBytes / Number(speed), sync, sha256sum } }
    }
    /** Bytes per second. */
    const curl = async (from: string, file: string, more: string[] = []): Promise<number> => {
      const to = join(folder, 'curl')
      const address = resolveAddress(from, repository, revision, file)
      const { stdout } = await run('curl', ['-sSfL', ...more, '-o', to, '-w', '%{size_download} %{time_total}', address])
      const [bytes = 0, seconds = 1] = stdout.split(' ').map(Number)
      rmSync(to)
      await run('sync', [])
      return bytes / seconds
    }

    if (netem) return [await overNetem(ours, curl, endpoint)]

    const pairs: { theirs: Plain; one: Ours }[] = []
    for (let round = 0; round < rounds; round++) {
      // Whoever comes second finds the same state: everything before was synced, and the file lies in memory.
      const theirs = await plain()
      const one = await ours(endpoint, bigFile, bigBytes)
      pairs.push({ theirs, one })
      say(`loopback: ${told(theirs)}; ours ${mb(speedOf(one))}, ${(one.cpuMs / 1_000).toFixed(1)} s of processor time`)
    }
    const small = await ours(endpoint, farFile, farBytes)
    const inMemory: { theirs: Plain; one: Ours }[] = []
    for (let round = 0; round < rounds && (await hasMemoryDisk()); round++) {
      const theirs = await plain(memoryDisk)
      const one = await ours(endpoint, bigFile, bigBytes, memoryDisk)
      inMemory.push({ theirs, one })
      say(`loopback, to a disk in memory: ${told(theirs)}; ours ${mb(speedOf(one))}`)
    }

    const api = await startRelay(() => endpoint, badLink)
    const body = await startRelay(storage, badLink)
    storageAddress = () => body.address
    const theirs = await curl(api.address, farFile, ['-r', `0-${curlFarBytes - 1}`])
    // A link that is not as bad as it says would make the figure worthless.
    if (Math.abs(theirs / badLink.bytesPerSecond - 1) > 0.1)
      throw new Error(`the bad link gives one curl ${mb(theirs)} where it should give ${mb(badLink.bytesPerSecond)}`)
    const far = await ours(api.address, farFile, farBytes)
    const farSpeed = farBytes / (far.ms / 1_000)
    say(`bad link: curl ${mb(theirs)}, ours ${mb(farSpeed)}`)
    const connections = body.connections
    await Promise.all([api.close(), body.close()])
    const lossy = await inNetem()

    const memory = Math.max(...pairs.map(({ one }) => one.maxRssBytes))
    const ratio = ({ theirs: { bytesPerSecond }, one }: (typeof pairs)[number]) => speedOf(one) / bytesPerSecond
    const middle = (from: (pair: (typeof pairs)[number]) => number) => median(pairs.map(from))
    const whole = ({ seconds: { curl: alone, sync, sha256sum } }: Plain) => alone + sync + sha256sum
    return [
      atLeast('loopback, 2 GiB: ours with verification / curl without', middle(ratio), 0.8, {
        spread: spread(pairs.map(ratio)),
        note: `${cpus().length} processors, shared with the server; see the next two for what the disk and the processors allow`,
      }),
      shown(
        'what this disk allows: curl with sync / curl without',
        middle(({ theirs: { seconds } }) => seconds.curl / (seconds.curl + seconds.sync)),
      ),
      ...(inMemory.length === 0
        ? []
        : [
            shown('the same to a disk in memory, where a sync costs nothing', median(inMemory.map(ratio)), {
              spread: spread(inMemory.map(ratio)),
            }),
          ]),
      atLeast(
        'ours / curl, then sync, then sha256sum',
        middle(({ theirs: plainly, one }) => (whole(plainly) * 1_000) / one.ms),
        1,
        {
          spread: spread(pairs.map(({ theirs: plainly, one }) => (whole(plainly) * 1_000) / one.ms)),
          note: 'plain tools with the same guarantees',
        },
      ),
      shown(
        'loopback: ours',
        middle(({ one }) => bigBytes / MiB / (one.ms / 1_000)),
        { unit: 'MiB/s' },
      ),
      shown(
        'loopback: processor time of ours',
        middle(({ one }) => one.cpuMs / 1_000),
        { unit: 's for 2 GiB' },
      ),
      shown(
        'loopback: processor time of curl',
        middle(({ theirs: plainly }) => plainly.cpuMs / 1_000),
        { unit: 's for 2 GiB' },
      ),
      shown('loopback: memory of ours', memory / MiB, { unit: 'MiB' }),
      atMost('memory for 2 GiB / memory for 65 MiB', memory / small.maxRssBytes, 1.5),
      shown('bad link: one curl', theirs / 1e6, { unit: 'MB/s', note: 'within a tenth of 0.45, or this benchmark fails' }),
      atLeast('bad link: ours / one curl', farSpeed / theirs, 1.5, {
        note: `relay, 20 ms each way, 0.45 MB/s a connection; ${connections} connections in all; ${lossy === null ? 'this kernel has no netem' : 'with netem in the next figure'}`,
      }),
      ...(lossy === null ? [] : [lossy]),
    ]
  } finally {
    await hub?.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** 20 ms each way and 1 % of the packets lost, by the kernel itself, in a network of its own; null where it cannot. */
async function inNetem(): Promise<Figure | null> {
  const link = 'ip link set lo up mtu 1500 && tc qdisc add dev lo root netem delay 20ms loss 1%'
  try {
    await run('unshare', ['-rn', 'sh', '-c', link])
  } catch (error) {
    say(`no netem here: ${error instanceof Error ? error.message.split('\n')[1] : String(error)}`)
    return null
  }
  const bench = [process.execPath, process.argv[1] ?? '', 'download', 'netem'].map((word) => `"${word}"`).join(' ')
  const { stdout } = await run('unshare', ['-rn', 'sh', '-c', `${link} && { ${bench} || true; }`])
  const { bench: _name, ...figure } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Figure & { bench: string }
  return figure
}

async function overNetem(
  ours: (from: string, file: string, sizeBytes: number) => Promise<Ours>,
  curl: (from: string, file: string, more: string[]) => Promise<number>,
  endpoint: string,
): Promise<Figure> {
  const theirs = await curl(endpoint, farFile, ['-r', `0-${curlFarBytes - 1}`])
  const far = farBytes / ((await ours(endpoint, farFile, farBytes)).ms / 1_000)
  say(`netem: curl ${mb(theirs)}, ours ${mb(far)}`)
  return atLeast('bad link by the kernel (tc netem): ours / one curl', far / theirs, 1.5, { note: '20 ms each way, 1 % loss' })
}

async function hasMemoryDisk(): Promise<boolean> {
  const { bavail, bsize } = await statfs(memoryDisk).catch(() => ({ bavail: 0, bsize: 0 }))
  // Its pages are the machine's memory.
  return Math.min(bavail * bsize, freemem()) > 2 * bigBytes
}

function speedOf({ ms }: Ours): number {
  return bigBytes / (ms / 1_000)
}

function told({ bytesPerSecond, seconds: { sync, sha256sum } }: Plain): string {
  return `curl ${mb(bytesPerSecond)}, sync ${sync.toFixed(1)} s, sha256sum ${sha256sum.toFixed(1)} s`
}

async function writeFile(path: string, bytes: number): Promise<{ path: string; sha256: string }> {
  const block = randomBytes(16 * MiB)
  const hash = createHash('sha256')
  const handle = await open(path, 'w')
  try {
    for (let at = 0; at < bytes; at += block.length) {
      block.writeDoubleLE(at)
      const piece = block.subarray(0, Math.min(block.length, bytes - at))
      hash.update(piece)
      await handle.write(piece)
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
  return { path, sha256: hash.digest('hex') }
}

function mb(bytesPerSecond: number): string {
  return `${(bytesPerSecond / 1e6).toFixed(1)} MB/s`
}
