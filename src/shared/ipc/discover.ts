import { eventIterator } from '@orpc/contract'
import type { ErrorValue } from '../errors'
import type { FitReport } from '../domain/fit'
import type { ModelFacts } from '../domain/gguf'
import type { RepositoryFiles, SearchResult } from '../domain/library'
import type { Recommendation } from '../domain/recommend'
import { address, oc, type, z } from './base'
import type { CopyTestView } from './copies'

const repository = z
  .string()
  .min(3)
  .max(200)
  .regex(/^(ms:)?[\w.-]+\/[\w.-]+$/)
const commit = z.string().regex(/^[0-9a-f]{40,64}$/)
const use = z.enum(['chat', 'code', 'reasoning', 'chinese', 'small'])
const kv = z.enum(['f16', 'q8_0', 'q4_0'])

/** Another machine than this one; everything priced for it is for show. */
const simulate = z
  .object({
    device: z.string().min(1).max(80).nullable(),
    vramBytes: z
      .number()
      .min(0)
      .max(2 ** 43)
      .nullable(),
    ramBytes: z
      .number()
      .min(2 ** 30)
      .max(2 ** 44)
      .nullable(),
  })
  .strict()

/** Where models could already lie on this disk; nothing is copied. */
export interface FoundModels {
  source: 'lm-studio' | 'ollama' | 'jan' | 'huggingface'
  count: number
  bytes: number
  /** Shown, never sent back: adopting goes by source. */
  folder: string
}

/** One file of a repository, sized by its own header before anything of it is downloaded. */
export interface ExactFit {
  repository: string
  file: string
  fit: FitReport
  facts: Pick<ModelFacts, 'architecture' | 'name' | 'quantization' | 'parameters' | 'sizeBytes' | 'trainContextSize'>
}

/** One file that an address names, sized by its own header before anything of it is downloaded. */
export interface AddressedModel {
  kind: 'file'
  /** As a download of it is called: its repository, or the address itself, of a split file that of the first part. */
  repository: string
  file: string
  parts: number
  sizeBytes: number
  facts: Pick<ModelFacts, 'architecture' | 'name' | 'quantization' | 'parameters' | 'activeParameters' | 'trainContextSize' | 'licence'>
  fit: FitReport
  /** Host that is asked for it. */
  host: string
  /** How it comes: a loopback address is this machine itself. */
  way: 'encrypted' | 'plain' | 'this-machine'
  /** What its source says that its bytes should be; null: nothing. */
  hash: 'sha256' | 'git-sha1' | null
  /** What breaks off goes on where it ended. */
  resumable: boolean
  gated: 'auto' | 'manual' | null
}

/** What lies at an address: a repository of a hub, or one file. */
export type AddressLook = { kind: 'repository'; repository: string } | AddressedModel

/** Which catalogue of models counts. */
export interface CatalogInfo {
  /** Its own date: `2026-11-24`. */
  updated: string
  models: number
  /** null: it came with Snug. */
  fetched: { address: string; at: number } | null
  /** Where the settings say that a newer one lies. */
  address: string | null
}

export const discover = {
  recommend: oc
    .input(
      z
        .object({
          use: use.default('chat'),
          contextSize: z.number().int().min(256).max(10_000_000).optional(),
          kvCacheType: kv.default('f16'),
          simulate: simulate.optional(),
          /** Beside the loaded model, not in place of it. */
          beside: z.boolean().default(false),
        })
        .strict(),
    )
    .output(type<Recommendation[]>()),
  /** A repository's files with sizes from the hub, verdict per quantization (and per file, where a quantization is there twice). */
  files: oc
    .input(
      z
        .object({
          repository,
          contextSize: z.number().int().min(256).optional(),
          kvCacheType: kv.default('f16'),
          simulate: simulate.optional(),
          beside: z.boolean().default(false),
        })
        .strict(),
    )
    .output(type<RepositoryFiles & { fits: Record<string, FitReport> }>()),
  /** Reads the header of the chosen file by ranges (some megabytes) and asks llama.cpp's dry run. */
  exact: oc
    .input(
      z
        .object({
          repository,
          file: z.string().min(1).max(1_000),
          contextSize: z.number().int().min(256).optional(),
          kvCacheType: kv.default('f16'),
        })
        .strict(),
    )
    .output(type<ExactFit>()),
  /** What a person pastes: the page of a repository or of a file, or the address of any GGUF, of which only the header is read. */
  address: oc
    .input(
      z
        .object({
          address,
          contextSize: z.number().int().min(256).optional(),
          kvCacheType: kv.default('f16'),
          simulate: simulate.optional(),
          beside: z.boolean().default(false),
        })
        .strict(),
    )
    .output(type<AddressLook>()),
  /** What the maker writes about a model, at that commit: Markdown to be shown, without its YAML; empty where there is none. */
  card: oc.input(z.object({ repository, revision: commit }).strict()).output(type<{ text: string; cut: boolean }>()),
  /** Begins to run an empty copy of that file (some 20 s); only its header is fetched. Follow it with `followTest`. */
  testHere: oc
    .input(
      z
        .object({
          repository: z.union([repository, address]),
          /** null: the repository's file of that quantization. */
          file: z.string().min(1).max(1_000).nullable(),
          quantization: z.string().min(1).max(40),
          contextSize: z.number().int().min(256).max(10_000_000).optional(),
          kvCacheType: kv.default('f16'),
        })
        .strict(),
    )
    .output(type<null>()),
  followTest: oc.output(eventIterator(type<CopyTestView>())),
  cancelTest: oc.output(type<null>()),
  search: oc
    .input(
      z
        .object({
          query: z.string().max(200),
          size: z.enum(['light', 'medium', 'heavy']).nullable().default(null),
          licence: z
            .string()
            .regex(/^[\w.-]{2,60}$/)
            .nullable()
            .default(null),
          language: z
            .string()
            .regex(/^[a-z]{2,3}$/)
            .nullable()
            .default(null),
          fitsOnly: z.boolean().default(false),
          contextSize: z.number().int().min(256).optional(),
          kvCacheType: kv.default('f16'),
          simulate: simulate.optional(),
          beside: z.boolean().default(false),
        })
        .strict(),
    )
    .output(type<SearchResult>()),
  catalog: oc.output(type<CatalogInfo>()),
  /** Asks that address once and remembers it; nothing is asked by itself. */
  updateCatalog: oc.input(z.object({ address: z.string().min(1).max(2_048) }).strict()).output(type<CatalogInfo>()),
  revertCatalog: oc.output(type<CatalogInfo>()),
  /** Whether the chosen hub answers; never throws for a hub that does not. */
  hubStatus: oc.output(type<{ endpoint: string; reachable: boolean; error: ErrorValue | null }>()),
  foundOnDisk: oc.output(type<FoundModels[]>()),
}
