import { deviceSpec, ramBandwidth } from './deviceBandwidth'
import type {
  Backend,
  BackendFailure,
  BackendProbe,
  BackendReport,
  EngineProbe,
  Gpu,
  GpuKind,
  HardwareReport,
  NvidiaCard,
  RawHardware,
  SystemGraphics,
} from './hardware'
import { type Bytes, GiB, MiB } from './units'

/** Best first: the first backend that sees a card is the one it is used with. */
const backendOrder: readonly Backend[] = ['cuda', 'metal', 'vulkan', 'cpu']

/** Display adapters without a processor that could run a model: virtual machines, remote desktops, management chips. */
const notAGpu =
  /basic (display|render)|vmware|virtualbox|vboxvga|qxl|virtio|cirrus|bochs|hyper-v|parsec|remote (desktop|display)|virtual (display|desktop|monitor)|spacedesk|displaylink|aspeed|matrox g200|idd|mirage|citrix/i

/** From this size on, the memory an APU's firmware set aside is its own and missing from RAM (Strix Halo with 64 or 96 GB carved out). */
const ownCarveOut = 8 * GiB

/**
 * One report from all sources. The engine wins on what it sees, then nvidia-smi, then systeminformation. A card that several sources or
 * several backends see is one card; memory that is RAM is marked, so that nobody adds the two.
 */
export function mergeHardware(raw: RawHardware): HardwareReport {
  const probes = raw.probes.filter(isProbe)
  const gpus: Gpu[] = []
  const unmatched = raw.graphics.filter((controller) => !notAGpu.test(`${controller.vendor} ${controller.model}`))
  const smi = raw.nvidiaSmi.state === 'ok' ? [...raw.nvidiaSmi.gpus] : []

  for (const backend of backendOrder) {
    for (const probe of probes.filter((candidate) => candidate.backend === backend && backend !== 'cpu')) {
      // Every backend lists each card once, so a second card of the same name is a second card only within one backend.
      const free = gpus.filter((gpu) => !gpu.backends.includes(backend))
      for (const device of probe.devices) {
        const known = free.find((gpu) => sameDevice(gpu.name, device.name))
        if (known !== undefined) {
          free.splice(free.indexOf(known), 1)
          known.backends.push(backend)
          continue
        }
        const controller = takeController(raw, unmatched, device.name, device.totalBytes)
        const card = takeCard(smi, device, backend)
        gpus.push(fromEngine(raw, probe, device, controller, card, gpus.length))
      }
    }
  }

  for (const card of smi) {
    const controller = takeController(raw, unmatched, card.name, card.totalBytes)
    gpus.push({
      id: `gpu${gpus.length}`,
      name: card.name,
      vendor: 'NVIDIA',
      kind: 'discrete',
      vramTotal: card.totalBytes,
      vramFree: card.freeBytes,
      driver: card.driver || (controller?.driver ?? null),
      backends: [],
      bandwidth: bandwidthOf(card.name),
      sharedWithRam: false,
    })
  }

  for (const controller of unmatched) {
    const kind = kindOf(raw, controller.model, controller)
    const shared = isShared(kind, controller)
    gpus.push({
      id: `gpu${gpus.length}`,
      name: listedName(controller.model),
      vendor: vendorOf(`${controller.vendor} ${controller.model}`),
      kind,
      vramTotal: kind === 'unified' ? ramTotal(raw) : shared ? null : controller.vramBytes,
      vramFree: null,
      driver: controller.driver,
      backends: [],
      bandwidth: bandwidthOf(listedName(controller.model)),
      sharedWithRam: shared,
    })
  }

  const usable = gpus.filter((gpu) => gpu.backends.length > 0)
  return {
    gpus,
    ram: { total: ramTotal(raw), available: ramAvailable(raw) },
    cpu: { ...raw.cpu, features: cpuFeatures(raw, probes), bandwidth: cpuBandwidth(raw, gpus) },
    disk: raw.disk,
    os: raw.os,
    backends: backendReports(raw, probes),
    unifiedMemory: gpus.some((gpu) => gpu.kind === 'unified') || (usable.length > 0 && usable.every((gpu) => gpu.sharedWithRam)),
  }
}

function fromEngine(
  raw: RawHardware,
  probe: EngineProbe,
  device: EngineProbe['devices'][number],
  controller: SystemGraphics | undefined,
  card: NvidiaCard | undefined,
  index: number,
): Gpu {
  const product = controller?.model.includes('[') === true ? listedName(controller.model) : null
  const name = isNameless(device.name) && product !== null ? product : plainName(device.name)
  const kind = probe.backend === 'metal' ? appleKind(raw) : kindOf(raw, name, controller)
  const sharedWithRam = isShared(kind, controller)
  const free = card === undefined ? device.freeBytes : freeNow(device, card)
  // Of an APU with memory of its own, Vulkan adds the RAM that it may borrow: that part is RAM's and would be counted twice.
  const own = kind === 'integrated' && !sharedWithRam ? (controller?.vramBytes ?? Infinity) : Infinity
  const total = Math.min(device.totalBytes, own)
  return {
    id: `gpu${index}`,
    name,
    vendor: vendorOf(`${controller?.vendor ?? ''} ${name}`),
    kind,
    vramTotal: total > 0 ? total : (card?.totalBytes ?? null),
    vramFree: total > 0 ? Math.min(free, total) : (card?.freeBytes ?? null),
    driver: card?.driver ?? controller?.driver ?? null,
    backends: [probe.backend],
    bandwidth: bandwidthOf(name),
    sharedWithRam,
  }
}

/** Of a slice of a card (MIG) nvidia-smi lists the whole, larger by a half at least. */
const sameMemory = 1.1

/**
 * What the engine found, moved by what came and went since: it is asked once a minute, nvidia-smi each time. Never more than nvidia-smi
 * says: without the memory budget extension Vulkan calls everything free.
 */
function freeNow(device: EngineProbe['devices'][number], card: NvidiaCard): Bytes {
  if (card.totalBytes > device.totalBytes * sameMemory) return Math.min(device.freeBytes, card.freeBytes)
  const since = card.freeBytes - (card.freeAtProbeBytes ?? card.freeBytes)
  return Math.max(0, Math.min(device.freeBytes + since, card.freeBytes))
}

/** The card of that name; of several the one with as much free, as CUDA numbers cards in an order of its own and may be told to hide some. */
function takeCard(smi: NvidiaCard[], device: EngineProbe['devices'][number], backend: Backend): NvidiaCard | undefined {
  const same = smi.filter(({ name }) => sameDevice(name, device.name))
  // Vulkan may call all of it free (freeNow), which would point at the emptiest.
  const away = (card: NvidiaCard): Bytes =>
    backend === 'cuda' ? Math.abs((card.freeAtProbeBytes ?? card.freeBytes) - device.freeBytes) : 0
  const nearest = same.toSorted((a, b) => away(a) - away(b))[0]
  return take(smi, (candidate) => candidate === nearest)
}

/**
 * Only the firmware of an AMD APU sets memory aside that is then missing from RAM. Windows calls the memory of every card "dynamic" that
 * nvidia-smi does not know, so that word says nothing; the size does.
 */
function isShared(kind: GpuKind, controller: SystemGraphics | undefined): boolean {
  if (kind === 'discrete') return false
  const apu = kind === 'integrated' && controller !== undefined && vendorOf(`${controller.vendor} ${controller.model}`) === 'AMD'
  return !apu || (controller.vramBytes ?? 0) < ownCarveOut
}

function isProbe(probe: BackendProbe): probe is EngineProbe {
  return 'devices' in probe
}

function appleKind(raw: RawHardware): GpuKind {
  return raw.os.arch === 'arm64' ? 'unified' : 'discrete'
}

function kindOf(raw: RawHardware, name: string, controller: SystemGraphics | undefined): GpuKind {
  const text = `${controller?.vendor ?? ''} ${name}`.toLowerCase().replace(/\((tm|r)\)/g, '')
  if (/llvmpipe|swiftshader|software|lavapipe/.test(text)) return 'software'
  if (/apple/.test(text)) return appleKind(raw)
  if (/nvidia|geforce|rtx|gtx|tesla|quadro/.test(text)) return /gb10|thor|orin|tegra/.test(text) ? 'unified' : 'discrete'
  if (/intel/.test(text)) return /arc.*\b[ab]\d{3}\b/.test(text) || /arc pro/.test(text) ? 'discrete' : 'integrated'
  if (/\brx \d|radeon pro|instinct|\bmi\d{2,3}|vega (56|64|frontier)|radeon vii|\bw\d{4}|ai pro r/.test(text)) return 'discrete'
  if (/amd|ati|radeon/.test(text)) return 'integrated'
  return controller?.vramDynamic === false && (controller.vramBytes ?? 0) >= 2 * GiB ? 'discrete' : 'integrated'
}

function vendorOf(text: string): string {
  if (/nvidia|geforce|rtx|gtx|tesla/i.test(text)) return 'NVIDIA'
  if (/amd|ati technologies|advanced micro|radeon/i.test(text)) return 'AMD'
  if (/intel/i.test(text)) return 'Intel'
  if (/apple/i.test(text)) return 'Apple'
  if (/qualcomm|adreno/i.test(text)) return 'Qualcomm'
  return text.trim().split(/\s+/)[0] ?? ''
}

/** Mesa's Dozen driver puts the card's own name in brackets: "Microsoft Direct3D12 (NVIDIA GeForce RTX 3080 Laptop GPU)". */
function plainName(name: string): string {
  const inner = /^Microsoft Direct3D12 \((.+)\)$/.exec(name.trim())?.[1] ?? name
  return inner.replace(/\s*\((RADV|LLVM|NVK|TM|R)[^)]*\)/gi, (whole) => (/llvm/i.test(whole) ? whole : '')).trim()
}

/** The words that tell cards apart: "NVIDIA GeForce RTX 4070 Laptop GPU" and "GeForce RTX 4070 Laptop GPU" are one, "RTX 4070 Ti" another. */
function modelWords(name: string): string[] {
  return (
    plainName(name)
      .toLowerCase()
      // A part of a card: "NVIDIA A100-SXM4-80GB MIG 3g.40gb".
      .replace(/ mig \d.*$/, '')
      .replace(/\((tm|r)\)|[™®[\]()]/g, ' ')
      .replace(
        /\b(nvidia|geforce|amd|ati|intel|apple|radeon|corporation|inc|graphics|gpu|series|technologies|advanced|micro|devices)\b/g,
        ' ',
      )
      .split(/[\s/,]+/)
      .filter((word) => word !== '')
  )
}

/** Mesa calls a chip that it does not know "AMD Radeon Graphics (RADV GFX1200)"; most integrated ones are called nothing else. */
function isNameless(name: string): boolean {
  return modelWords(name).length === 0
}

/** An identifier that the list of PCI devices here is too old for: "Device 744c". */
const unknownListing = /^device [0-9a-f]{4}$/i

/** The part in brackets, without what it was sold as besides. */
function listedName(listing: string): string {
  return plainName(/\[([^\]]+)\]/.exec(listing)?.[1] ?? listing)
}

function sameDevice(a: string, b: string): boolean {
  if (plainName(a).toLowerCase() === plainName(b).toLowerCase()) return true
  const [left, right] = [modelWords(a).toSorted().join(' '), modelWords(b).toSorted().join(' ')]
  return left !== '' && left === right
}

/** Words that make another card of the same number. */
const variants = /^(ti|super|xt|xtx|gre|laptop|mobile|max|pro|ultra|max-q|d|se)$/

/** A PCI listing names the chip and several cards: "Navi 31 [Radeon RX 7900 XT/7900 XTX/7900M]", "AD104 [GeForce RTX 4070]". */
function listedAs(listing: string, device: string): boolean {
  const listed = modelWords(listing)
  const words = modelWords(device)
  if (words.length === 0 || !words.every((word) => listed.includes(word))) return false
  return listing.includes('/') || listed.every((word) => words.includes(word) || !variants.test(word))
}

/**
 * By name, then by the chip's listing, then the only one of that maker and kind ("Phoenix1" is the Radeon 780M). Where one of the two has no
 * name, the kind says nothing, and of several the one nearest in memory is taken.
 */
function takeController(raw: RawHardware, controllers: SystemGraphics[], name: string, bytes: Bytes = 0): SystemGraphics | undefined {
  const exact = take(controllers, (candidate) => sameDevice(candidate.model, name))
  if (exact !== undefined) return exact
  const listed = take(controllers, (candidate) => listedAs(candidate.model, name))
  if (listed !== undefined) return listed
  const ofMaker = controllers.filter((candidate) => vendorOf(`${candidate.vendor} ${candidate.model}`) === vendorOf(name))
  const alike = ofMaker.filter((candidate) => kindOf(raw, candidate.model, candidate) === kindOf(raw, name, candidate))
  if (alike.length === 1 && !isNameless(name)) return take(controllers, (candidate) => candidate === alike[0])
  const open = isNameless(name) ? ofMaker : ofMaker.filter(({ model }) => unknownListing.test(model))
  // "Raphael" in "AMD Radeon Graphics (RADV RAPHAEL_MENDOCINO)".
  const chip = open.find(
    ({ model }) => /^[a-z]{5,}/i.test(model) && name.toLowerCase().includes(model.toLowerCase().split(/[\s[]/)[0] ?? ''),
  )
  if (chip !== undefined && !unknownListing.test(chip.model)) return take(controllers, (candidate) => candidate === chip)
  const away = ({ vramBytes }: SystemGraphics): number => Math.abs(Math.log((vramBytes ?? MiB) / Math.max(bytes, MiB)))
  const nearest = open.toSorted((a, b) => away(a) - away(b))[0]
  return nearest === undefined ? undefined : take(controllers, (candidate) => candidate === nearest)
}

function take<T>(list: T[], matches: (item: T) => boolean): T | undefined {
  const index = list.findIndex(matches)
  return index === -1 ? undefined : list.splice(index, 1)[0]
}

function ramTotal(raw: RawHardware): Bytes {
  return raw.ram.limit === null ? raw.ram.total : Math.min(raw.ram.total, raw.ram.limit)
}

function ramAvailable(raw: RawHardware): Bytes {
  return Math.min(raw.ram.available, ramTotal(raw))
}

function bandwidthOf(name: string): Gpu['bandwidth'] {
  const spec = deviceSpec(name)
  return spec === null ? null : { bytesPerSecond: spec.bytesPerSecond, source: spec.source }
}

/** Unified memory has one bandwidth; otherwise the memory modules tell. */
function cpuBandwidth(raw: RawHardware, gpus: readonly Gpu[]): HardwareReport['cpu']['bandwidth'] {
  const unified = gpus.find((gpu) => gpu.kind === 'unified')
  return unified?.bandwidth ?? bandwidthOf(raw.cpu.name) ?? ramBandwidth(raw.ram.modules)
}

/** Windows and macOS list no flags; llama.cpp's own line does: `AVX2 = 1 | AVX512 = 1 | NEON = 0`. */
function cpuFeatures(raw: RawHardware, probes: readonly EngineProbe[]): string[] {
  const seen = probes.flatMap((probe) =>
    [...probe.systemInfo.matchAll(/\b([A-Z][A-Z0-9_]+) = 1/g)].map((match) => match[1]?.toLowerCase() ?? ''),
  )
  const instructions = seen.filter((name) => /^(avx|fma|f16c|sse3|ssse3|neon|sve|amx|matmul_int8|dotprod)/.test(name))
  // Of AMX only llama.cpp itself knows whether it is used (cpuBuild.ts).
  const flags = raw.cpu.features.filter((name) => !/^amx/i.test(name))
  return [...new Set([...flags, ...instructions])]
}

function backendReports(raw: RawHardware, probes: readonly EngineProbe[]): BackendReport[] {
  const possible: Backend[] = raw.os.platform === 'darwin' ? ['metal', 'cpu'] : ['cuda', 'vulkan', 'cpu']
  return possible.map((backend) => {
    const probe = probes.find((candidate) => candidate.backend === backend)
    if (probe !== undefined) {
      const devices = probe.devices.map((device) => plainName(device.name))
      const works = backend === 'cpu' || devices.length > 0
      return { backend, state: works ? 'works' : 'no-device', detail: works ? probe.llamaVersion : null, devices }
    }
    const failure = raw.probes.find((candidate): candidate is BackendFailure => candidate.backend === backend && !isProbe(candidate))
    return { backend, state: failure?.state ?? 'not-installed', detail: failure?.detail ?? null, devices: [] }
  })
}
