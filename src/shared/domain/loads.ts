import { median } from './calibration'
import { type MemoryPart, type MemoryOptions, type SizedModel, processOverheadBytes, touchedBytes } from './memory'
import { type Bytes, type Range, MiB } from './units'

/** What one real load on this machine was predicted to take, and what it took. */
export interface LoadSample {
  modelId: string
  /** Of the weights in the file. */
  weightBytes: Bytes
  /** From the start of the load until the model could answer. */
  loadMs: number
  /** llama.cpp's buffers; null: the plan was changed on the way, so that nothing was predicted for it. */
  predictedBytes: Bytes | null
  reportedBytes: Bytes
  /** What the process grew by above its buffers, beyond what the formula says of it; null: it could not be told. */
  beyondBytes: Bytes | null
}

/** What loads here said of a prediction; its parts have it already. */
export interface LoadsNote {
  /** Added to the overhead of the process. */
  addedBytes: Bytes
  /** So many loads told it. */
  loads: number
  /** The worst of |reported ÷ predicted − 1| over the buffers of these loads; null: no load was compared. */
  buffersOff: number | null
}

/** A process without a card, and one with a driver in it: what is learned of one says nothing sure of the other. */
export type LoadsNotes = Partial<Record<'alone' | 'withGpu', LoadsNote>>

/** Of one model, and of all that is kept of it: more would only dilute what the machine does now. */
const lastLoads = 5
/** What drivers and libraries keep in a process; more than that is another program's doing, or a mistake. */
const mostAddedBytes = 512 * MiB

/**
 * Above the buffers a process has its libraries, its driver and its vocabulary. Only the vocabulary grows with the model, and the formula
 * counts it; what another machine has more is its libraries and driver, the same for every model. So the difference is learned, not the
 * ratio: the median over the last loads of a model, then the median over the models. What loads took less is never believed: memory that
 * the system has taken back, or that a prompt has not touched yet, looks the same. A verdict can only become more careful by it.
 */
export function loadsNote(samples: readonly LoadSample[]): LoadsNote | null {
  const told = samples.filter(({ beyondBytes }) => beyondBytes !== null)
  if (told.length === 0) return null
  const perModel = [...new Set(told.map(({ modelId }) => modelId))].map((model) => {
    const own = told.filter(({ modelId }) => modelId === model).slice(-lastLoads)
    return median(own.map(({ beyondBytes }) => beyondBytes ?? 0))
  })
  const off = samples.flatMap(({ predictedBytes, reportedBytes }) =>
    predictedBytes === null || predictedBytes <= 0 ? [] : [Math.abs(reportedBytes / predictedBytes - 1)],
  )
  return {
    addedBytes: Math.min(mostAddedBytes, Math.max(0, median(perModel))),
    loads: told.length,
    buffersOff: off.length === 0 ? null : Math.max(...off),
  }
}

/** The parts with what was learned, in the overhead of the process. */
export function withLearned(parts: readonly MemoryPart[], note: LoadsNote | null | undefined): MemoryPart[] {
  if (note == null || note.addedBytes === 0) return [...parts]
  return parts.map((part) => (part.device === 'cpu' && part.kind === 'overhead' ? { ...part, bytes: part.bytes + note.addedBytes } : part))
}

/**
 * Bytes by which the process grew beyond what the formula says, from its growth after a first prompt and the buffers that llama.cpp
 * reported. Rows of a whole batch count as touched, so that nothing of a buffer is taken for overhead.
 */
export function beyondPrediction(
  model: SizedModel,
  options: Pick<MemoryOptions, 'batchSize' | 'flashAttention' | 'kvCacheType'>,
  buffers: readonly MemoryPart[],
  grewBytes: Bytes,
  promptTokens: number,
): Bytes {
  return grewBytes - touchedBytes(model, options, buffers, promptTokens, options.batchSize) - processOverheadBytes(model.tokenizer)
}

/** Reading a file of another size says something only where the size is near: a load has a part that does not grow with the file. */
const nearSize = 4
const nearLoads = 9

/**
 * How long a load takes, from the loads here of files at most four times as large or small; null without any. For a larger file the
 * measured time is the least, and the time in proportion the most; for a smaller one the other way round. Nobody can say what of a file is
 * in the page cache, so the low end is the median of the faster half of the loads, the high end that of the slower half.
 */
export function loadTime(samples: readonly Pick<LoadSample, 'weightBytes' | 'loadMs'>[], weightBytes: Bytes): Range | null {
  const near = samples.filter(
    (one) =>
      one.loadMs > 0 && one.weightBytes > 0 && one.weightBytes <= weightBytes * nearSize && weightBytes <= one.weightBytes * nearSize,
  )
  if (near.length === 0) return null
  const ends = near.slice(-nearLoads).map((one): Range => {
    const inProportion = (one.loadMs * weightBytes) / one.weightBytes
    return [Math.min(one.loadMs, inProportion), Math.max(one.loadMs, inProportion)]
  })
  const half = Math.ceil(ends.length / 2)
  const ascending = (end: 0 | 1): number[] => ends.map((range) => range[end]).toSorted((a, b) => a - b)
  return [median(ascending(0).slice(0, half)), median(ascending(1).slice(-half))]
}
