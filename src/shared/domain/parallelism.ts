import type { Bytes, Range } from './units'

/** Model too large → pipeline; matrices too large → tensor; data too large → data (the field guide). Words under `parallelism.<kind>`. */
export type Parallelism = 'pipeline' | 'tensor' | 'data'

export interface DeviceCount {
  /** Devices for the low and the high end of what is needed. */
  devices: Range
  enough: boolean
}

/** How many devices of one kind; `usable` is what of each may be filled (a reserve of max(256 MiB, 3 %) is left free by the caller). */
export function devicesNeeded(needed: Range, usable: Bytes): DeviceCount {
  const count = (bytes: Bytes): number => (usable > 0 ? Math.max(1, Math.ceil(bytes / usable)) : Number.POSITIVE_INFINITY)
  const devices: Range = [count(needed[0]), count(needed[1])]
  return { devices, enough: devices[1] === 1 }
}

export interface ParallelismAdvice {
  kind: Parallelism | 'none'
  tensorParallel: number
  pipelineParallel: number
}

/** Devices inside one machine talk fast enough for tensor parallelism; machines in a row are stages of a pipeline. */
export const devicesPerMachine = 8

/**
 * Which parallelism: none for one device; where the largest matrix alone is too large for one device, tensor; else where the model is too large,
 * pipeline; where it fits and only the data is too much, data. Tensor parallelism must divide the attention heads, so powers of two up to a
 * machine; over several machines the largest one that divides the devices, so that tensor × pipeline is what was chosen.
 */
export function adviseParallelism(input: {
  needed: Bytes
  usable: Bytes
  largestMatrix: Bytes
  devices: number
  dataTooLarge: boolean
}): ParallelismAdvice {
  const none = { tensorParallel: 1, pipelineParallel: 1 }
  if (input.devices <= 1) return { kind: 'none', ...none }
  if (input.largestMatrix <= input.usable && input.devices > devicesPerMachine) {
    const tensorParallel = [8, 4, 2].find((size) => input.devices % size === 0) ?? 1
    return { kind: tensorParallel > 1 ? 'tensor' : 'pipeline', tensorParallel, pipelineParallel: input.devices / tensorParallel }
  }
  if (input.largestMatrix > input.usable) {
    const tensorParallel = Math.min(devicesPerMachine, 2 ** Math.ceil(Math.log2(input.devices)))
    return { kind: 'tensor', tensorParallel, pipelineParallel: Math.max(1, Math.ceil(input.devices / tensorParallel)) }
  }
  if (input.needed > input.usable) return { kind: 'pipeline', tensorParallel: 1, pipelineParallel: input.devices }
  return { kind: input.dataTooLarge ? 'data' : 'none', ...none }
}

/** `llama.cpp-rpc`: every further device in a machine of its own, lent by llama.cpp's `ggml-rpc-server`. */
export type ServeProgram = 'vllm' | 'llama.cpp' | 'llama.cpp-rpc'

/** Its usual port (llama.cpp, tools/rpc/rpc-server.cpp). */
const rpcPort = 50_052

/** Ready to run on the user's own servers. `model` is quoted for a POSIX shell. */
export function serveCommand(engine: ServeProgram, model: string, advice: ParallelismAdvice, contextSize: number): string {
  const name = /^[\w./:@-]+$/.test(model) ? model : `'${model.replaceAll("'", `'\\''`)}'`
  const devices = advice.tensorParallel * advice.pipelineParallel
  if (engine === 'vllm')
    return `vllm serve ${name} --tensor-parallel-size ${advice.tensorParallel} --pipeline-parallel-size ${advice.pipelineParallel} --max-model-len ${contextSize}`
  const llama = `llama-server -m ${name} --n-gpu-layers 99 --ctx-size ${contextSize}`
  if (engine === 'llama.cpp-rpc') {
    // The first device is in the machine that serves.
    const hosts = Array.from({ length: devices - 1 }, (_, index) => `HOST${index + 2}:${rpcPort}`)
    return hosts.length === 0 ? llama : `ggml-rpc-server --host 0.0.0.0 --port ${rpcPort}\n${llama} --rpc ${hosts.join(',')}`
  }
  const split =
    devices > 1
      ? ` --split-mode ${advice.tensorParallel > 1 ? 'row' : 'layer'} --tensor-split ${Array.from({ length: devices }, () => '1').join(',')}`
      : ''
  return llama + split
}
