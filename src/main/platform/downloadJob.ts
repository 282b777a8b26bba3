import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SnugError, toErrorValue } from '@shared/errors'
import { clipTo, prefixOf, totalOf } from './byteRanges'
import { fromFileSystem, hashOfFile, isFileSystem, wanted } from './downloadFiles'
import { acceptAnswer, isPassing, isRefusal, rangeHeaders, strongEtag } from './downloadAnswer'
import { type JobEvent, type JobLimits, type JobPart, type JobSpec, jobLimits, partFile, wrongFile } from './downloadTypes'
import { aboutOf, fileAddress } from './fileAddress'
import { JobFolder } from './jobFolder'
import type { Network } from './network'
import { Pace } from './pace'
import { repairPart } from './partRepair'
import { PartWriter, diskFull, freeBytes, isDiskFull } from './partWriter'
import { type FileHash, PrefixHash, noHash } from './prefixHash'
import { type Claim, RangeFetch } from './rangeFetch'
import { Sources } from './sources'
import { StallWatch } from './stallWatch'

const progressMs = 100
const KiB = 1024

export interface JobDependencies {
  network: Network
  emit: (event: JobEvent) => void
  /** Resolves when what was emitted is stored; left out: `emit` stores it at once. */
  kept?: () => Promise<void>
  limits?: JobLimits
  random?: () => number
  pace?: Pace
}

interface Running {
  index: number
  part: JobPart
  target: string
  writer: PartWriter
  hash: FileHash
  fetch: RangeFetch | null
  /** Fetched again, to be compared. */
  repairing: boolean
}

/** Fetches all parts of one download, verifies each before it gets its name, and can be stopped or killed at any byte. */
export class DownloadJob {
  readonly #spec: JobSpec
  readonly #network: Network
  readonly #emit: (event: JobEvent) => void
  readonly #kept: () => Promise<void>
  #limits: JobLimits
  readonly #pace: Pace
  readonly #random: () => number
  readonly #sources: Sources
  readonly #folder: JobFolder
  #current: Running | null = null
  #lastProgress = 0

  constructor(
    spec: JobSpec,
    { network, emit, kept = async () => {}, limits = jobLimits, random = Math.random, pace = new Pace() }: JobDependencies,
  ) {
    this.#spec = { ...spec, parts: spec.parts.map((part) => ({ ...part, ranges: [...part.ranges] })) }
    // Without a hash from the origin nobody could tell whether a mirror sends the same file.
    const known = spec.parts.every((part) => part.sha256 !== null || part.gitSha1 !== null)
    this.#sources = new Sources(spec.endpoint, known ? (spec.mirrors ?? []) : [])
    this.#folder = new JobFolder(this.#spec, {
      moved: (folder) => emit({ type: 'folder', folder }),
      found: (index, part, path) => this.#place(index, part, path, false),
    })
    this.#network = network
    this.#emit = emit
    this.#kept = kept
    this.#limits = limits
    this.#random = random
    this.#pace = pace
  }

  /** At most so many for one file; counts at once. */
  setConnections(connections: number | null): void {
    this.#limits = { ...this.#limits, maxConnections: connections }
    this.#current?.fetch?.limitTo(connections)
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#folder.adoptWhatIsThere(signal)
      await this.#folder.needRoom(this.#missingBytes())
      // A part whose name was taken while another one came is fetched again, beside it.
      for (let part = this.#missing; part !== undefined; part = this.#missing)
        await this.#fetchPart(this.#spec.parts.indexOf(part), part, signal)
    } catch (error) {
      if (signal.aborted) throw new SnugError('cancelled', 'stopped')
      throw fromFileSystem(error, this.#folder.path)
    }
  }

  get #missing(): JobPart | undefined {
    return this.#spec.parts.find(({ done }) => !done)
  }

  #missingBytes(): number {
    const written = this.#current
    return this.#spec.parts.reduce((sum, part) => {
      if (part.done) return sum
      return sum + part.sizeBytes - totalOf(written?.part === part ? written.writer.ranges : part.ranges)
    }, 0)
  }

  async #fetchPart(index: number, part: JobPart, signal: AbortSignal): Promise<void> {
    const target = this.#folder.target(part)
    const path = partFile(target, this.#spec.id)
    await mkdir(dirname(target), { recursive: true })
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644)
    const { algorithm } = wanted(part, true)
    let own: string | undefined
    const hash = new PrefixHash(handle, algorithm, part.sizeBytes)
    try {
      const ranges = clipTo(part.ranges, (await handle.stat()).size)
      const writer = new PartWriter(handle, hash, part.sizeBytes, ranges, (durable) => this.#durable(index, part, target, durable))
      this.#current = { index, part, target, writer, hash, fetch: null, repairing: false }
      const following = hash.catchUp(() => prefixOf(writer.ranges), signal)
      // Its failure is met again at the end, where the rest is read.
      following.catch(() => {})
      try {
        await this.#fetchGaps(this.#current, signal)
      } catch (error) {
        await this.#keep(writer)
        throw error
      }
      own = await this.#verify(this.#current, handle, signal)
    } finally {
      await handle.close()
      this.#current = null
    }
    // Killed between here and the new name, the next start finds all of it there.
    await this.#kept()
    const placed = await this.#folder.place(part, signal)
    this.#place(index, part, placed.target, placed.ours, own)
  }

  async #durable(index: number, part: JobPart, target: string, ranges: JobPart['ranges']): Promise<void> {
    part.ranges = ranges
    this.#emit({ type: 'durable', part: index, etag: part.etag, source: part.source, sha256: part.sha256, ranges })
    // Others write to this disk as well: stop while there is still room to work in.
    const folder = dirname(target)
    const free = await freeBytes(folder)
    if (free < this.#spec.reserveBytes / 4 && this.#missingBytes() > 0)
      throw diskFull(folder, this.#missingBytes() + this.#spec.reserveBytes - free)
  }

  async #fetchGaps(running: Running, signal: AbortSignal): Promise<void> {
    const { part, writer } = running
    let tries = 0
    let best = totalOf(writer.ranges)
    running.fetch = new RangeFetch({
      writer,
      sizeBytes: part.sizeBytes,
      limits: this.#limits,
      signal,
      fetch: (claim, stop, answered) => this.#fetchClaim(running, claim, AbortSignal.any([signal, stop]), answered),
      onWait: (error, waitMs) => this.#emit({ type: 'retry', code: toErrorValue(error).code, tries: 1, waitMs }),
      isPassing: (error) => error instanceof SnugError && isPassing(error),
      onFailure: async (error) => {
        if (signal.aborted) throw error
        const failure = isDiskFull(error) ? await this.#fullDisk(running.target, error) : fromFileSystem(error, dirname(running.target))
        if (failure.data.restart !== true && !isPassing(failure)) {
          if (!isRefusal(failure)) throw failure
          const refusal = this.#sources.drop(failure)
          if (refusal !== null) throw refusal
          this.#tellSource()
          return
        }
        tries = totalOf(writer.ranges) > best ? 1 : tries + 1
        best = Math.max(best, totalOf(writer.ranges))
        if (tries >= this.#limits.maxTries * this.#sources.count) throw failure
        // Others are asked before anybody is waited for.
        if (failure.data.restart !== true && failure.data.expired !== true && this.#sources.turn()) {
          this.#tellSource()
          if (tries % this.#sources.count !== 0) return
        }
        await this.#waitAfter(failure, tries, signal)
      },
    })
    await running.fetch.run()
  }

  #tellSource(): void {
    this.#emit({ type: 'source', endpoint: this.#sources.current })
  }

  /** What arrived is kept as well as the disk allows; that it failed is told by the error that led here. */
  async #keep(writer: PartWriter): Promise<void> {
    try {
      await writer.settle()
    } catch {
      // The disk is full or gone: the ranges that were synced before still count.
    }
  }

  async #fullDisk(target: string, cause: unknown): Promise<SnugError> {
    const folder = dirname(target)
    return diskFull(folder, this.#missingBytes() + this.#spec.reserveBytes - (await freeBytes(folder)), cause)
  }

  async #waitAfter(failure: SnugError, tries: number, signal: AbortSignal): Promise<void> {
    const { backoffMs, maxBackoffMs, maxRetryAfterMs } = this.#limits
    const asked = typeof failure.data.retryAfterMs === 'number' ? Math.min(failure.data.retryAfterMs, maxRetryAfterMs) : 0
    // An address that expired is asked for anew without a wait, once.
    const exponential = failure.data.expired === true && tries === 1 ? 0 : Math.min(maxBackoffMs, backoffMs * 2 ** (tries - 1))
    const waitMs = Math.max(asked, exponential * (0.5 + this.#random() / 2))
    this.#emit({ type: 'retry', code: failure.code, tries, waitMs })
    if (waitMs > 0) await sleep(waitMs, undefined, { signal })
  }

  async #fetchClaim(running: Running, claim: Claim, signal: AbortSignal, answered: () => void): Promise<void> {
    const { part, writer, hash } = running
    const { repository, revision } = this.#spec
    const endpoint = this.#sources.current
    // No hash would tell a mixture of two files: without a guard it begins at its first byte, on one connection.
    const unguarded = part.unverified === true && strongEtag(part.etag) === null
    if (unguarded && claim.from > 0) throw new SnugError('download/changed', 'nothing guards a range', { restart: true, alone: true })
    // The guard of another endpoint's storage says nothing here; the hash at the end does.
    if ((part.source ?? this.#spec.endpoint) !== endpoint) part.etag = null
    part.source = endpoint
    const range: [number, number] = [claim.from, claim.to]
    const headers = claim.ranged || range[0] > 0 || range[1] < part.sizeBytes ? rangeHeaders(range, part.etag) : {}
    const stall = new StallWatch(this.#limits.stallMs)
    const response = await this.#network.request(fileAddress(endpoint, repository, part.revision ?? revision, part.file), {
      purpose: 'download',
      about: aboutOf(repository, part.file),
      headers,
      signal: AbortSignal.any([signal, stall.signal]),
      timeoutMs: this.#limits.stallMs,
      // One that is held back shall not come in leaps.
      atOnce: () => (this.#pace.limited ? 64 : 1024) * KiB,
    })
    try {
      const answer = acceptAnswer(response.hops, { part, revision, range, hubOrigin: new URL(endpoint).origin })
      part.sha256 = part.unverified === true ? null : answer.sha256
      // Better now than after gigabytes: what cannot be verified is not fetched.
      wanted(part)
      if (answer.kind === 'restart') {
        const ignored = part.etag !== null && part.etag === answer.etag
        if (!claim.alone) throw new SnugError('download/changed', 'the whole file came', { restart: true, alone: ignored })
        if (writer.ranges.length > 0) await writer.restart()
        Object.assign(claim, { from: 0, at: 0 })
      }
      part.etag = answer.etag
      // The end may have come nearer while the answer was under way, or lie further off in a whole file.
      claim.to = answer.kind === 'restart' ? answer.to : Math.min(claim.to, answer.to)
      if (answer.kind === 'append' && (part.unverified !== true || strongEtag(part.etag) !== null)) answered()
      stall.begin()
      const taken = () => {
        if (hash.at < prefixOf(writer.ranges)) void hash.catchUp(() => prefixOf(writer.ranges), signal).catch(() => {})
        this.#progress(running.repairing)
        running.fetch?.received()
        stall.came()
        return claim.at < claim.to
      }
      await response.read((chunk) => {
        const left = claim.to - claim.at
        const bytes = chunk.length > left ? chunk.subarray(0, left) : chunk
        const written = writer.write(bytes, claim.at)
        claim.at += bytes.length
        if (written === undefined && !this.#pace.limited) return taken()
        stall.hold()
        return Promise.resolve(written)
          .then(() => this.#pace.take(bytes.length, signal))
          .then(taken)
      })
      if (claim.at < claim.to) throw new SnugError('hub/unreachable', 'the connection ended early', { missing: claim.to - claim.at })
    } catch (error) {
      if (error instanceof SnugError || isFileSystem(error)) throw error
      if (stall.signal.aborted && !signal.aborted) throw stall.signal.reason
      throw new SnugError('hub/unreachable', error instanceof Error ? error.message : String(error), {}, { cause: error })
    } finally {
      stall.end()
      response.close()
    }
  }

  /** Gives the hash that the file has where nobody says which it should be. */
  async #verify(running: Running, handle: FileHandle, signal: AbortSignal): Promise<string | undefined> {
    const { part, target, writer, hash } = running
    await writer.settle()
    const size = part.sizeBytes
    while (hash.at < size) {
      this.#progress(true)
      const before = hash.at
      await Promise.race([hash.catchUp(() => size, signal), sleep(progressMs, undefined, { ref: false })])
      if (signal.aborted) throw new SnugError('cancelled', 'stopped')
      if (hash.at === before && (await handle.stat()).size < size) throw new SnugError('download/changed', 'the file was cut on disk')
    }
    const { value, algorithm } = wanted(part)
    const found = hash.digest()
    if (part.unverified === true || found === value) {
      await handle.sync()
      return part.unverified === true ? found : undefined
    }
    if (await this.#repair(running, handle, signal)) return undefined
    const aside = wrongFile(target, this.#spec.id)
    await rename(partFile(target, this.#spec.id), aside)
    part.ranges = []
    part.etag = null
    this.#emit({ type: 'durable', part: this.#spec.parts.indexOf(part), etag: null, sha256: part.sha256, ranges: [] })
    throw new SnugError('download/hash-mismatch', `${algorithm} ${found} instead of ${value}`, {
      file: part.file,
      path: aside,
      expected: value,
      found,
    })
  }

  /** From another endpoint where there is one. True when the file is right now. */
  async #repair(running: Running, handle: FileHandle, signal: AbortSignal): Promise<boolean> {
    const { index, part, target } = running
    const { value, algorithm } = wanted(part)
    const { sizeBytes } = part
    const ranges = await repairPart({
      handle,
      sizeBytes,
      signal,
      isRight: async () => (await hashOfFile(partFile(target, this.#spec.id), { algorithm }, sizeBytes, signal)) === value,
      refetch: (writer, stop) => {
        if (this.#sources.turn()) this.#tellSource()
        return this.#fetchGaps({ ...running, writer, hash: noHash, repairing: true }, stop)
      },
    })
    if (ranges !== null) this.#emit({ type: 'repaired', part: index, ranges })
    return ranges !== null
  }

  #place(index: number, part: JobPart, path: string, fetched: boolean, ownSha256?: string): void {
    part.done = true
    part.ranges = [[0, part.sizeBytes]]
    this.#emit({ type: 'placed', part: index, path, sha256: part.sha256, fetched, ...(ownSha256 === undefined ? {} : { ownSha256 }) })
    this.#progress(true, true)
  }

  #progress(verifying: boolean, always = false): void {
    const now = performance.now()
    if (!always && now - this.#lastProgress < progressMs) return
    this.#lastProgress = now
    let receivedBytes = 0
    let verifiedBytes = 0
    for (const part of this.#spec.parts) {
      const running = this.#current?.part === part && !part.done ? this.#current : null
      receivedBytes += part.done ? part.sizeBytes : totalOf(running?.writer.ranges ?? part.ranges)
      verifiedBytes += part.done ? part.sizeBytes : (running?.hash.at ?? 0)
    }
    this.#emit({ type: 'progress', receivedBytes, verifiedBytes, verifying })
  }
}
