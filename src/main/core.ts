import { dirname, join, resolve } from 'node:path'
import type { MemoryDevice } from '@shared/domain/memory'
import type { Bytes } from '@shared/domain/units'
import type { ForkEngine } from '@shared/engine/protocol'
import type { Log } from '@shared/log'
import { type SnugDatabase, openDatabase } from './db/open'
import { BackendProbes } from './engine/backendProbes'
import { EngineHost } from './engine/engineHost'
import { readLentRam } from './platform/amdMemory'
import { onBattery } from './platform/battery'
import { createNetworkSide } from './coreNetwork'
import { readDisk } from './platform/gpuProbe'
import { fileJobRunner } from './platform/fileJobRunner'
import { starterIn } from './platform/modelFolders'
import type { SystemProxy } from './platform/network'
import type { SnugPaths } from './platform/paths'
import { sharedUsage } from './platform/windowsGpuMemory'
import { type SecretBox, noSecrets } from './platform/sealedFile'
import { lookAtAddress } from './platform/remoteFile'
import { CalibrationService } from './services/calibration'
import { CatalogUpdates } from './services/catalogUpdates'
import { CopyStore } from './services/copyStore'
import { CopyTests } from './services/copyTests'
import { ChatWishes } from './services/chatWishes'
import { ConversationService } from './services/conversations'
import { DiscoverService } from './services/discover'
import { DownloadsService } from './services/downloads'
import { DryRuns, dryRunSurroundings } from './services/dryRun'
import { FreeMemory } from './services/freeMemory'
import { folderSpace } from './services/folderSpace'
import { HardwareService, type HardwareServiceOptions } from './services/hardware'
import { learning } from './services/learning'
import { KvStates } from './services/kvStates'
import { LibraryCare } from './services/libraryCare'
import { LibraryService } from './services/library'
import { LoadingService } from './services/loading'
import { LoadRecords } from './services/loadRecords'
import { loadPlanner } from './services/loadPlanner'
import { keyWith } from './services/machineKey'
import { MeasuredSpeeds, catalogueKey } from './services/measuredSpeeds'
import { RecommendationService } from './services/recommendation'
import { RemoteModels } from './services/remoteModels'
import { RepliesService } from './services/replies'
import { SpeedSamples } from './services/speedSamples'
import { SettingsService } from './services/settings'
import { SpillWatch } from './services/spillWatch'
import { UpdatesService } from './services/updates'

export interface CoreOptions {
  paths: SnugPaths
  fork: ForkEngine
  /** The built `downloadWorker.js`. */
  downloadWorker: string
  log: Log
  trash: (path: string) => Promise<void>
  /** The system's key store; the command line has none. */
  secrets?: SecretBox
  /** The system's proxy for an origin; the command line knows only what the environment names. */
  systemProxy?: SystemProxy
  env?: NodeJS.ProcessEnv
  /** For tests: in place of this machine. */
  recorded?: HardwareServiceOptions['recorded']
  /** False for the command line: no folder is watched, no interrupted download goes on by itself. */
  background?: boolean
}

/** After the start, when the first pages are drawn and nobody types yet. */
const repeatCalibrationMs = 60_000

export type Core = ReturnType<typeof createCore>

/** The only place that calls constructors (with coreNetwork.ts); the app and the command line are two ways to look at what it returns. */
export function createCore(options: CoreOptions) {
  const { paths, fork, downloadWorker, log, trash, secrets = noSecrets, env = process.env, background = true } = options
  const db: SnugDatabase = openDatabase({ dataDir: paths.dataDir, log: log.child('db') })
  const settings = new SettingsService(db.settings, log.child('settings'))
  // What a command-line flag says for this run only.
  const override: { endpoint?: string; modelsFolder?: string } = {}
  const modelsFolder = () => override.modelsFolder ?? settings.get().modelsFolder ?? paths.modelsFolder

  const { network, endpoints, hub, runner, hubs, tokens } = createNetworkSide({
    paths,
    env,
    settings,
    endpoint: () => override.endpoint,
    systemProxy: options.systemProxy,
    secrets,
    downloadWorker,
    log,
  })
  const stopFollowing = settings.onChange(() => {
    const wasOffline = network.config.offline
    network.setOffline(settings.get().offline)
    runner.setOffline(settings.get().offline)
    downloads.applyLimits()
    if (wasOffline && !settings.get().offline) downloads.backOnline()
  })

  const engine = new EngineHost({ fork, log: log.child('engine'), replied: (stats) => loads.replied(stats) })
  const probes = new BackendProbes(fork)
  const keyOf = keyWith(probes)
  const freeMemory: FreeMemory = new FreeMemory({
    rows: db.freeMemory,
    ours: () => returned(),
    busy: () => engine.status().state === 'loading' || calibration.running || copyTests.busy,
    log: log.child('memory'),
  })
  const hardware = new HardwareService({
    probe: (wishes) => probes.probe(wishes),
    host: engine,
    recorded: options.recorded,
    modelsDir: modelsFolder,
    seen: (report) => freeMemory.look(report),
  })

  const loads: LoadRecords = new LoadRecords({ rows: db.loads, host: engine, hardware, keyOf, log: log.child('loads') })
  const spillWatch = new SpillWatch({
    host: engine,
    read: process.platform === 'win32' ? sharedUsage() : () => readLentRam(),
    hardware,
  })

  /** What ending our loaded model would give back, by device. */
  const returned = (): Partial<Record<MemoryDevice, Bytes>> => {
    const sum: Partial<Record<MemoryDevice, Bytes>> = {}
    for (const { device, bytes } of engine.loaded?.model.buffers.parts ?? []) sum[device] = (sum[device] ?? 0) + bytes
    return sum
  }
  const catalog = new CatalogUpdates({ network, settings, file: join(paths.dataDir, 'catalog.json'), log: log.child('catalog') })
  const recommendation: RecommendationService = new RecommendationService({
    // Checked when it is first needed: that takes two thirds of what a start takes here.
    get catalog() {
      return catalog.current
    },
    hardware,
    returned,
    reserveBytes: () => settings.get().reserveBytes,
    vramBudgetBytes: () => settings.get().vramBudgetBytes,
    needs: () => settings.get().useNeeds,
    calibrations: (report) => calibration.current(report),
    corrections: (report, backend, except) => samples.corrections(report, backend, except),
    loads,
    measured: (report) => measuredSpeeds.lookup(report),
    copies: (report) => copyTests.lookup(report),
    usual: (pool) => freeMemory.usual(pool),
  })
  const measuredSpeeds = new MeasuredSpeeds({ rows: db.measuredSpeeds, models: db.models, hardware, keyOf })
  const calibration: CalibrationService = new CalibrationService({
    fork,
    rows: db.calibrations,
    models: () => db.models.all(),
    hardware,
    probe: () => probes.probe(),
    measured: (report) => measuredSpeeds.current(report),
    predict: async ({ id, facts }, { backend, gpuLayers, kvCacheType }) =>
      facts === null ? null : (await recommendation.fitFile(facts, { uncorrected: id, backend, gpuLayers, kvCacheType })).speed,
    folder: join(paths.cacheDir, 'calibration'),
    onBattery,
    diskFree: async (folder) => (await readDisk(folder))?.free ?? null,
    busy: () => engine.generating || engine.status().state === 'loading' || copyTests.busy,
    log: log.child('calibration'),
  })

  const samples: SpeedSamples = new SpeedSamples({
    rows: db.speedSamples,
    hardware,
    keyOf: (backend, report) => calibration.keyOf(backend, report),
    predict: (model, plan, depth, promptDepth) => recommendation.predictPlan(model, plan, depth, promptDepth),
  })

  const library: LibraryService = new LibraryService({
    rows: db.models,
    settings,
    inspect: (path) => engine.tools('inspect', { path }),
    capability: (path) => engine.tools('capability', { source: { kind: 'file', path } }),
    trash,
    modelsFolder,
    starterFolder: paths.starterFolder,
    surroundings: { env, homeDir: paths.homeDir, platform: process.platform },
    catalogueSampling: (repository) => recommendation.entryOf(repository)?.sampling ?? null,
    log: log.child('library'),
  })
  const updates = new UpdatesService({
    models: () => db.models.all(),
    hub,
    rows: db.settings,
  })
  const care = new LibraryCare({
    library,
    fileJob: fileJobRunner(downloadWorker),
    locksFolder: paths.locksFolder,
    loadedId: () => engine.loaded?.modelId ?? null,
    log: log.child('library'),
  })
  const lookAt = (address: string, signal?: AbortSignal) => lookAtAddress(network, address, signal)
  const downloads: DownloadsService = new DownloadsService({
    rows: db.downloads,
    hub,
    lookAt,
    endpoints,
    network,
    runner,
    here: async (hashes) => (override.modelsFolder === undefined ? await library.withFiles(hashes) : null),
    arrived: (file) => library.arrived(file),
    modelsFolder,
    locksFolder: paths.locksFolder,
    limits: () => {
      const { downloadBytesPerSecond, downloadConnections, downloadFiles } = settings.get()
      return { bytesPerSecond: downloadBytesPerSecond, connections: downloadConnections, files: downloadFiles }
    },
    log: log.child('downloads'),
  })
  const chatWishes = new ChatWishes({ downloads, engine })
  const remote = new RemoteModels({
    network,
    hub,
    folder: join(paths.cacheDir, 'headers'),
    check: (path, size) => engine.tools('header', { path, size }),
    inspect: (path) => engine.tools('inspect', { path }),
    log: log.child('headers'),
  })
  // A process of its own: a prompt that is rendered never waits behind a dry run.
  const estimator = new EngineHost({ fork, log: log.child('dry-run') })
  const dryRuns = new DryRuns({
    host: estimator,
    file: join(paths.cacheDir, 'estimates.json'),
    surroundings: async () => dryRunSurroundings(join(dirname(downloadWorker), 'engine.js'), await hardware.report()),
    log: log.child('dry-run'),
  })
  const discover = new DiscoverService({
    hub,
    fitRepository: (repository, files, options, header) => recommendation.fitRepository(repository, files, options, header),
    foundOnDisk: () => library.foundOnDisk(),
    remote,
    lookAt,
    hubs,
    fitExactly: async ({ path, facts, source: { address, repository, file } }, options) => {
      const fit = await recommendation.fitFile(facts, {
        ...options,
        room: 'usual',
        effort: 'details',
        // llama.cpp here says nothing of another machine.
        ...(options.simulate === undefined ? { dryRun: dryRuns.of(path, facts) } : {}),
        ...(repository === null ? {} : { measuredKey: catalogueKey(repository, facts.quantization) }),
      })
      const copies = await recommendation.copies(options)
      return copies(repository ?? address, facts.quantization, repository === null ? null : file, fit)
    },
    isCatalogued: (repository) => recommendation.entryOf(repository) !== null,
    log: log.child('discover'),
  })
  const bestThreads = async () => {
    const measured = await calibration.current(await hardware.report())
    return measured.find(({ backend }) => backend === 'cpu')?.threads ?? null
  }
  const copyTests: CopyTests = new CopyTests({
    fork,
    fit: ({ path, facts }, query) => recommendation.fitFile(facts, { ...query, dryRun: dryRuns.of(path, facts) }),
    header: ({ repository, file, quantization }) => discover.header(repository, file, quantization),
    hardware,
    probe: () => probes.probe(),
    folder: join(paths.cacheDir, 'copies'),
    store: new CopyStore(join(paths.cacheDir, 'copyTests.json'), log.child('copies')),
    bestThreads,
    onBattery,
    diskFree: async (folder) => (await readDisk(folder))?.free ?? null,
    busy: () => engine.generating || calibration.running,
    log: log.child('copies'),
  })
  void copyTests.cleanUp().catch((error: unknown) => log.warn('what tests left behind is still there', error))

  const conversations = new ConversationService(db)
  const loading = new LoadingService({
    host: engine,
    models: db.models,
    settings,
    plan: loadPlanner(recommendation, dryRuns, bestThreads),
    loaded: (id, facts, model, expected) => loads.loaded(id, facts, model, expected),
  })
  const keeps = (id: string) => db.conversations.get(id) !== undefined
  const cache = new KvStates({ host: engine, folder: join(paths.cacheDir, 'kv'), keeps, log: log.child('kv') })
  const learn = learning({ models: db.models, samples, measuredSpeeds, calibration })
  const replies = new RepliesService({
    conversations,
    loading,
    host: engine,
    measured: (id, tokensPerSecond, stats, loaded) => {
      library.setMeasured(id, tokensPerSecond)
      learn(id, stats, loaded).catch((error: unknown) => log.warn('nothing was learned from a reply', error))
    },
    recommended: (id) => library.recommendedSampling(id),
    log: log.child('replies'),
    cache,
    // One app holds a data folder (its single-instance lock), so what streams at its start is nobody's; beside it runs the command line.
    marksLeftovers: background,
  })

  conversations.onPurged(() => void cache.prune())
  let repeatCalibration: NodeJS.Timeout | undefined
  if (background) {
    void cache.prune()
    library.watch()
    void care.cleanUp()
    downloads.resumeInterrupted({ offline: settings.get().offline })
    repeatCalibration = setTimeout(() => {
      calibration.repeatIfChanged().catch((error: unknown) => log.info('not measured again now', error))
    }, repeatCalibrationMs).unref()
    void db.backupIfDue().catch((error: unknown) => log.warn('the daily backup failed', error))
  }

  return {
    paths,
    notice: db.notice,
    settings,
    tokens,
    network,
    engine,
    spillWatch,
    probes,
    hardware,
    recommendation,
    catalog,
    calibration,
    copyTests,
    library,
    care,
    downloads,
    chatWishes,
    discover,
    remote,
    dryRuns,
    conversations,
    loading,
    replies,
    space: () => folderSpace(settings.get().watchedFolders, db.models.all(), readDisk),
    updates,
    /** The hubs whose pages are read; the one that is asked now first. */
    hubs,
    /** `--endpoint` and `--to` of the command line. */
    useEndpoint: (address: string) => {
      override.endpoint = address
    },
    useModelsFolder: (folder: string) => {
      override.modelsFolder = resolve(folder)
    },
    /** The model that set-up left in the cache; null where it is not there. */
    starterModel: () => starterIn(paths.starterFolder),
    /** Saves what is being written, then ends every process and closes the database. */
    async dispose(): Promise<void> {
      stopFollowing()
      clearTimeout(repeatCalibration)
      spillWatch.dispose()
      hardware.dispose()
      await calibration.dispose()
      await copyTests.dispose()
      const looked = library.dispose()
      await care.dispose()
      remote.dispose()
      await replies.dispose()
      await downloads.dispose()
      await loads.settled()
      await estimator.dispose()
      await engine.dispose()
      conversations.saveDrafts()
      // Last: a slow disk must not cost what was to be saved.
      await looked
      db.close()
    },
  }
}
