import { dirname, join } from 'node:path'
import type { ModelFacts } from '@shared/domain/gguf'
import { MiB } from '@shared/domain/units'
import { readEntries } from './ggufEntries'
import { firstPartOf, inspectFile, readHeaderOfFile } from './ggufFile'
import { predictionLayers } from './ggufGeometry'
import type { GgufHeader, GgufTensor } from './ggufHeader'
import { arrayOf, countOf } from './ggufRead'
import { tensorBytes, tensorType, type TensorTypeName } from './ggufTypes'
import { bool, float32Bytes, text, u32, writeGguf, type WriteTensor, type WriteValue } from './ggufWriter'
import { repeatedBlocks } from './shapeFill'

/** A real model as far as its header tells, all parts. */
export interface ModelHeader {
  path: string
  facts: ModelFacts
  header: GgufHeader
  tensors: GgufTensor[]
  architecture: string
  /** Blocks that a chat goes through; those that only predict further tokens are left out. */
  blocks: number
}

/** Blocks of the copy. `donors[i]`: the block of the model whose types block i has. */
export interface SlicePlan {
  donors: number[]
  /** Of each mixture; null: all, or there is none. */
  experts: number | null
}

/** What to run of a model: all of it, or few and more of its blocks, so that what a block costs can be told from the rest. */
export interface CopyPlan {
  slices: SlicePlan[]
  whole: boolean
}

/** All blocks up to here are run as they are: small ones would sit in the processor's caches. */
export const wholeBytes = 512 * MiB
/** The blocks by which the second slice is larger. */
const differenceBytes = 448 * MiB
/** A block of a mixture above this gets fewer experts, as many are used for a token. */
const mixtureBytes = 160 * MiB
/** Rows of the embedding that the tokens of a test read. */
const livingRows = 2048
const longestPeriod = 12

export async function readModelHeader(path: string): Promise<ModelHeader> {
  const first = firstPartOf(path)
  const facts = await inspectFile(first)
  const headers = await Promise.all(
    facts.parts.map((name) => readHeaderOfFile(facts.parts.length > 1 ? join(dirname(first), name) : first)),
  )
  const [header] = headers
  if (header === undefined) throw new RangeError('a model has one part at least')
  const tensors = headers.flatMap((part) => part.tensors)
  const blocks = facts.geometry.layers.length - predictionLayers(header)
  return { path: first, facts, header, tensors, architecture: facts.architecture, blocks }
}

export function planCopy(model: ModelHeader, budget: { whole: number; difference: number } = defaultBudget): CopyPlan {
  const { blocks, facts } = model
  const all = Array.from({ length: blocks }, (_, index) => index)
  const bytes = all.map((index) => facts.weights.layerBytes[index] ?? 0)
  const sum = (of: readonly number[]): number => of.reduce((total, index) => total + (bytes[index] ?? 0), 0)
  if (sum(all) <= budget.whole) return { slices: [{ donors: all, experts: null }], whole: true }
  const experts = fewerExperts(model, Math.max(...bytes))
  const share = experts === null ? 1 : experts / (facts.geometry.experts?.count ?? experts)
  const kinds = kindsOf(model)
  const { lead, period } = rhythm(kinds)
  const base = Math.max(1, lead, firstOfBothMemories(facts.geometry.layers.slice(0, blocks)))
  const perPeriod = (sum(all.slice(base)) / Math.max(1, blocks - base)) * period * share
  // Whole periods where they are not enormous, else as many blocks as there is room for.
  const room = Math.max(1, Math.floor((perPeriod <= 2 * budget.difference ? budget.difference / perPeriod : 0) || 0)) * period
  const most = Math.max(1, Math.floor((2 * budget.difference * period) / Math.max(1, perPeriod)))
  const added = Math.min(blocks - base, perPeriod <= 2 * budget.difference ? room : most)
  if (added <= 0 || base + added >= blocks) return { slices: [{ donors: all, experts: null }], whole: true }
  const donors = donorsOf(kinds, base, added)
  return {
    slices: [
      { donors: donors.slice(0, base), experts },
      { donors, experts },
    ],
    whole: false,
  }
}
const defaultBudget = { whole: wholeBytes, difference: differenceBytes }

/** Blocks are alike where they have the same matrices and the same kind of memory; their types may differ. */
function kindsOf({ tensors, facts, blocks }: ModelHeader): string[] {
  const names: string[][] = Array.from({ length: blocks }, () => [])
  for (const { name, dims } of tensors) {
    const block = blockOf(name)
    if (block !== null) names[block]?.push(`${name.replace(/^blk\.\d+\./, '')} ${dims.join('×')}`)
  }
  return names.map((of, index) => [facts.geometry.layers[index]?.kind, ...of.toSorted()].join('\n'))
}

/** llama.cpp ends its process where a model that has recurrent blocks is left with no other, and so with an empty KV cache. */
function firstOfBothMemories(layers: ModelFacts['geometry']['layers']): number {
  const recurrent = layers.findIndex(({ kind }) => kind === 'recurrent')
  const attention = layers.findIndex(({ kind }) => kind === 'full' || kind === 'sliding')
  return recurrent < 0 || attention < 0 ? 0 : Math.max(recurrent, attention) + 1
}

const blockOf = (name: string): number | null => {
  const match = /^blk\.(\d+)\./.exec(name)
  return match === null ? null : Number(match[1])
}

/** After some first blocks of their own (a dense one before mixtures) kinds come again and again; the shortest such period. */
export function rhythm(kinds: readonly string[]): { lead: number; period: number } {
  for (let lead = 0; lead <= Math.min(4, kinds.length >> 2); lead++) {
    for (let period = 1; period <= Math.min(longestPeriod, (kinds.length - lead) >> 1); period++) {
      if (kinds.slice(lead).every((kind, index, rest) => index < period || kind === rest[index - period])) return { lead, period }
    }
  }
  return { lead: 0, period: Math.min(8, kinds.length) }
}

/** Block i keeps its place, as architectures know blocks by their number; its types are those of a block of its kind, evenly chosen from all. */
function donorsOf(kinds: readonly string[], base: number, added: number): number[] {
  const taken = new Map<string, number>()
  const wanted = new Map<string, number>()
  for (const kind of kinds.slice(base, base + added)) wanted.set(kind, (wanted.get(kind) ?? 0) + 1)
  return Array.from({ length: base + added }, (_, index) => {
    if (index < base) return index
    const kind = kinds[index] ?? ''
    const alike = kinds.flatMap((other, block) => (block >= base && other === kind ? [block] : []))
    const turn = taken.get(kind) ?? 0
    taken.set(kind, turn + 1)
    return alike[Math.floor(((turn + 0.5) * alike.length) / (wanted.get(kind) ?? 1))] ?? index
  })
}

function fewerExperts({ facts, tensors }: ModelHeader, largestBlock: number): number | null {
  const { experts } = facts.geometry
  if (experts === null || largestBlock <= mixtureBytes || tensors.some(({ name }) => /\.ffn_(gate|up|down)\.\d+\./.test(name))) return null
  const enough = Math.ceil(Math.max(4 * experts.used, 16) / 8) * 8
  return enough < experts.count ? enough : null
}

/** Writes the blocks of a plan, in the real shapes and types, with random valid weights. */
export async function writeSlice(target: string, model: ModelHeader, plan: SlicePlan): Promise<{ bytes: number }> {
  const metadata = sliceMetadata(await readEntries(model.path, model.header), model, plan)
  return await writeGguf(target, { metadata, tensors: sliceTensors(model, plan) })
}

/** What it will take on the disk. */
export function sliceBytes(model: ModelHeader, plan: SlicePlan): number {
  return sliceTensors(model, plan).reduce((sum, { type, dims }) => sum + tensorBytes(type, dims), model.header.dataOffset)
}

function sliceMetadata(entries: [string, WriteValue][], model: ModelHeader, { donors, experts }: SlicePlan): [string, WriteValue][] {
  const { header, architecture } = model
  const own = (name: string): string => `${architecture}.${name}`
  const before = model.facts.geometry.layers.length
  const dense = countOf(header, own('leading_dense_block_count'))
  const shared = countOf(header, own('attention.shared_kv_layers'))
  const replaced = new Map<string, WriteValue | null>([
    ['general.alignment', null],
    ['snug.synthetic', null],
    ['general.name', text(`Empty copy of ${model.facts.name ?? architecture}`)],
    [own('block_count'), u32(donors.length)],
    [own('nextn_predict_layers'), u32(0)],
  ])
  if (dense !== null) replaced.set(own('leading_dense_block_count'), u32(Math.min(dense, donors.length)))
  if (shared !== null) replaced.set(own('attention.shared_kv_layers'), u32(Math.round((shared * donors.length) / before)))
  if (experts !== null) {
    replaced.set(own('expert_count'), u32(experts))
    replaced.set(own('expert_group_count'), null)
    replaced.set(own('expert_group_used_count'), null)
  }
  const kept = entries.flatMap(([key, value]): [string, WriteValue][] => {
    if (key.startsWith('split.')) return []
    const other = replaced.get(key)
    if (other !== undefined) return other === null ? [] : [[key, other]]
    const list = key.startsWith(`${architecture}.`) ? arrayOf(header, key) : null
    const perBlock = list !== null && (list.length === before || list.length === model.blocks) && !key.endsWith('dimension_sections')
    return [[key, perBlock ? cutList(value, donors.length) : value]]
  })
  return [...kept, ['snug.synthetic', bool(true)]]
}

/** The first so many items of a list of numbers. */
function cutList(value: WriteValue, items: number): WriteValue {
  if (value.type !== 'encoded') return value
  const view = Buffer.from(value.bytes)
  // Type, type of the items, how many there are, and then they.
  const size = (view.length - 16) / Number(view.readBigUInt64LE(8))
  view.writeBigUInt64LE(BigInt(items), 8)
  return { type: 'encoded', bytes: view.subarray(0, 16 + items * size) }
}

function sliceTensors(model: ModelHeader, { donors, experts }: SlicePlan): WriteTensor[] {
  const { tensors } = model
  const tied = model.facts.weights.outputIsTied
  const cut = (name: string, dims: number[]): number[] => {
    const count = model.facts.geometry.experts?.count
    const ofExperts = experts !== null && /_(ch)?exps\b|\.ffn_gate_inp\.|exp_probs/.test(name) && dims.at(-1) === count
    return ofExperts ? [...dims.slice(0, -1), experts] : dims
  }
  const ends = tensors.filter(({ name }) => blockOf(name) === null)
  const types = new Map(tensors.map(({ name, type }) => [name, type]))
  const list: { name: string; dims: number[]; type: TensorTypeName }[] = ends.map(({ name, dims, type }) => ({
    name,
    type,
    // Gemma's embedding per block lies in one matrix for all blocks.
    dims: name.startsWith('per_layer_') ? perBlockDims(dims, model, donors.length) : dims,
  }))
  for (const [index, donor] of donors.entries()) {
    for (const { name, dims, type } of tensors.filter((tensor) => blockOf(tensor.name) === index)) {
      const wanted = types.get(name.replace(/^blk\.\d+\./, `blk.${donor}.`)) ?? type
      list.push({ name, dims: cut(name, dims), type: (dims[0] ?? 0) % tensorType(wanted).blockElements === 0 ? wanted : type })
    }
  }
  return list.map(({ name, dims, type }, index) => ({ name, dims, type, ...filling(name, dims, type, tied, index) }))
}

function perBlockDims(dims: number[], model: ModelHeader, blocks: number): number[] {
  const perBlock = countOf(model.header, `${model.architecture}.embedding_length_per_layer_input`)
  const all = model.facts.geometry.layers.length
  return perBlock === null ? dims : dims.map((dim) => (dim === perBlock * all ? perBlock * blocks : dim))
}

/** Norms are ones, small vectors zeros (holes), matrices random: hidden states stay finite, experts are chosen at random. */
function filling(name: string, dims: readonly number[], type: TensorTypeName, tied: boolean, turn: number): Pick<WriteTensor, 'data'> {
  const elements = dims.reduce((product, dim) => product * dim, 1)
  if (/norm/.test(name)) return type === 'F32' ? { data: float32Bytes(new Float32Array(elements).fill(1)) } : {}
  if (dims.length < 2 || name.endsWith('.bias') || /\.(ssm_(a|d|dt|conv1d)|shortconv|time_mix)/.test(name)) return {}
  const all = tensorBytes(type, dims)
  const rowBytes = all / Math.max(1, elements / (dims[0] ?? 1))
  const read = /^(token_embd|per_layer_token_embd)\./.test(name) && !(tied && name.startsWith('token_embd'))
  const bytes = read ? Math.min(all, rowBytes * livingRows) : all
  return { data: () => repeatedBlocks(type, bytes, turn) }
}
