import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
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

interface Ours {
  ms: number
  cpuMs: number
  maxRssBytes: number
}

/** Our download, verified and synced to disk, against `curl`, which does neither. */
export default async function download(args: string[]): Promise<Figure[]> {
  const rounds = Number(args[0] ?? 3)
  const folder = mkdtempSync(join(tmpdir(), 'snug-bench-download-'))
  const worker = await bundle('src/main/platform/downloadWorker.ts')
  const child = await bundle('bench/lib/download.child.ts')
  let hub: RunningHub | null = null
  try {
    const files = { [bigFile]: await writeFile(join(folder, 'big'), bigBytes), [farFile]: await writeFile(join(folder, 'far'), farBytes) }
    let storageAddress: (() => string) | null = null
    hub = await startHub({ repositories: { [repository]: { files } }, storageAddress: () => storageAddress?.() ?? storage() })
    const { endpoint } = hub
    const storage = () => hub?.storage ?? ''
    const revision = hub.commit(repository)

    const ours = async (from: string, file: string, sizeBytes: number): Promise<Ours> => {
      const to = mkdtempSync(join(folder, 'ours-'))
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

    const ratios: number[] = []
    const mine: Ours[] = []
    for (let round = 0; round < rounds; round++) {
      // Whoever comes second finds the same state: everything before was synced, and the file lies in memory.
      const theirs = await curl(endpoint, bigFile)
      const one = await ours(endpoint, bigFile, bigBytes)
      mine.push(one)
      ratios.push(bigBytes / (one.ms / 1_000) / theirs)
      say(`loopback: curl ${mb(theirs)}, ours ${mb(bigBytes / (one.ms / 1_000))}, ${(one.cpuMs / 1_000).toFixed(1)} s of processor time`)
    }
    const small = await ours(endpoint, farFile, farBytes)

    const api = await startRelay(() => endpoint, badLink)
    const body = await startRelay(storage, badLink)
    storageAddress = () => body.address
    const theirs = await curl(api.address, farFile, ['-r', `0-${curlFarBytes - 1}`])
    const far = await ours(api.address, farFile, farBytes)
    const farSpeed = farBytes / (far.ms / 1_000)
    say(`bad link: curl ${mb(theirs)}, ours ${mb(farSpeed)}`)
    const connections = body.connections
    await Promise.all([api.close(), body.close()])

    const memory = Math.max(...mine.map((one) => one.maxRssBytes))
    return [
      atLeast('loopback, 2 GiB: ours with verification / curl without', median(ratios), 0.8, { spread: spread(ratios) }),
      shown('loopback: ours', median(mine.map((one) => bigBytes / MiB / (one.ms / 1_000))), { unit: 'MiB/s' }),
      shown('loopback: processor time of ours', median(mine.map((one) => one.cpuMs / 1_000)), { unit: 's for 2 GiB' }),
      shown('loopback: memory of ours', memory / MiB, { unit: 'MiB' }),
      atMost('memory for 2 GiB / memory for 65 MiB', memory / small.maxRssBytes, 1.5),
      atLeast('bad link: ours / one curl', farSpeed / theirs, 1.5, {
        note: `relay, 20 ms each way, 0.45 MB/s a connection; ${connections} connections in all; tc netem not used`,
      }),
    ]
  } finally {
    await hub?.close()
    rmSync(folder, { recursive: true, force: true })
  }
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
