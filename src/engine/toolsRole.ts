import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Backend } from '@shared/domain/hardware'
import type { RenderRequest, TemplateSource } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import type { LlamaModel } from 'node-llama-cpp'
import { calibrateBackend } from './calibrate'
import { renderPrompt } from './chatTemplate'
import { copyMemory, copySpeed } from './copyTest'
import { usableCores } from './cores'
import { engineCheck } from './engineCheck'
import { estimate } from './estimate'
import { checkHeaderStart, inspectFile, readHeaderOfFile } from './ggufFile'
import type { GgufHeader } from './ggufHeader'
import { arrayOf, numbersOf, textOf } from './ggufRead'
import { controlTokensOf, tokenizerOf, tokenTypes } from './ggufTokenizer'
import { createLineKeeper, type EngineLog, forwardLine, loadError, type OpenLlama, openLlama } from './llama'
import { createNativeRenderer, type NativeRenderer } from './nativeTemplateRenderer'
import { promptTokens } from './promptTokens'
import type { RoleHandlers } from './server'
import { detectThinking } from './thinkingCapability'
import { createVocabulary, type Vocabulary } from './vocabulary'

/** Vocabularies kept: each takes 72–180 MiB. */
const keptVocabularies = 2

interface Template {
  template: string
  bos: string | null
  eos: string | null
  controlTokens: string[]
  userDefinedTokens: string[]
}

function userDefinedTokensOf(header: GgufHeader): string[] {
  const tokens = arrayOf(header, 'tokenizer.ggml.tokens')
  const types = numbersOf(header, 'tokenizer.ggml.token_type')
  if (!tokens || !types) return []
  const found: string[] = []
  for (const [index, spelling] of tokens.entries()) if (types[index] === tokenTypes.userDefined) found.push(spelling())
  return found
}

/** The last template that was read from a file: the model in memory goes on talking when its file is taken away. */
let lastRead: { path: string; template: Template } | null = null

async function readTemplate(source: TemplateSource): Promise<Template> {
  if (source.kind === 'template')
    return { template: source.template, bos: source.bos, eos: source.eos, controlTokens: [], userDefinedTokens: [] }
  const { path } = source
  try {
    const header = await readHeaderOfFile(path)
    const { bos, eos } = tokenizerOf(header)
    const template = {
      template: textOf(header, 'tokenizer.chat_template') ?? '',
      bos,
      eos,
      controlTokens: controlTokensOf(header),
      userDefinedTokens: userDefinedTokensOf(header),
    }
    lastRead = { path, template }
    return template
  } catch (error) {
    if (lastRead?.path === path && error instanceof SnugError && error.code === 'model/not-found') return lastRead.template
    throw error
  }
}

/** The calls of the process that holds no weights: killed when one takes too long, restarted at will. */
export function createToolsRole(log: EngineLog): RoleHandlers {
  const lines = createLineKeeper()
  const opened = new Map<Backend | 'auto', Promise<OpenLlama>>()
  const vocabularies = new Map<string, { model: LlamaModel; vocabulary: Vocabulary }>()

  const llamaFor = (backend: Backend | 'auto'): Promise<OpenLlama> => {
    const known = opened.get(backend)
    if (known) return known
    const started = openLlama({
      backend,
      threads: usableCores(),
      onLine: (level, text) => {
        lines.push(level, text)
        forwardLine(log, level, text)
      },
    })
    opened.set(backend, started)
    started.catch(() => opened.delete(backend))
    return started
  }

  /** The native renderer is only for templates that the first cannot render; without llama.cpp the chain is shorter. */
  let native: NativeRenderer | null | undefined
  const nativeRenderer = async (): Promise<NativeRenderer | null> => {
    if (native === undefined) {
      native = await llamaFor('cpu').then(
        ({ llama }) => createNativeRenderer(llama),
        (error: unknown) => {
          log('warn', `no native template renderer: ${String(error)}`)
          return null
        },
      )
    }
    return native
  }

  /** The log belongs to the whole process: what it says can be told apart only where one thing is done at a time. */
  let turn: Promise<unknown> = Promise.resolve()
  const oneByOne = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work, work)
    turn = mine
    return mine
  }

  const vocabularyOf = async (path: string): Promise<Vocabulary> => {
    const info = await stat(path).catch((error: unknown) => {
      throw new SnugError('model/not-found', 'the file is not there', { path }, { cause: error })
    })
    const key = `${path}\n${info.size}\n${info.mtimeMs}`
    const known = vocabularies.get(key)
    if (known) return known.vocabulary
    await inspectFile(path)
    const { llama } = await llamaFor('cpu')
    lines.clear()
    try {
      const model = await llama.loadModel({ modelPath: path, vocabOnly: true, gpuLayers: 0 })
      for (const [oldest, { model: old }] of vocabularies) {
        if (vocabularies.size < keptVocabularies) break
        vocabularies.delete(oldest)
        await old.dispose()
      }
      const vocabulary = createVocabulary(model)
      vocabularies.set(key, { model, vocabulary })
      return vocabulary
    } catch (error) {
      throw loadError(error, lines, path)
    }
  }

  return {
    probe: async ({ backend }) => {
      const { llama, backend: found, devices } = await llamaFor(backend)
      const [vram, ram] = await Promise.all([llama.getVramState(), llama.getRamState()])
      const onGpu = found !== 'cpu'
      return {
        backend: found,
        llamaVersion: llama.llamaCppRelease.release,
        // The library tells memory for all devices together: exact for one, an even share for several.
        devices: devices.map((name) => ({
          name,
          totalBytes: Math.round(vram.total / devices.length),
          freeBytes: Math.round(vram.free / devices.length),
        })),
        vram: onGpu
          ? { totalBytes: vram.total, freeBytes: vram.free, unifiedBytes: vram.unifiedSize }
          : { totalBytes: 0, freeBytes: 0, unifiedBytes: 0 },
        ram: { totalBytes: ram.total, freeBytes: ram.free },
        systemInfo: llama.systemInfo,
      }
    },
    inspect: ({ path }) => inspectFile(path),
    header: ({ path, size }) => checkHeaderStart(path, size),
    capability: async ({ source }) => {
      const { template, controlTokens } = await readTemplate(source)
      return template.trim() === '' ? { kind: 'none' } : detectThinking(template, controlTokens, await nativeRenderer())
    },
    render: async ({ source, messages, thinking }: RenderRequest) =>
      renderPrompt(
        // a question about a template is answered by that template or by its error
        { ...(await readTemplate(source)), messages, thinking, fallback: source.kind === 'file' },
        await nativeRenderer(),
      ),
    tokenize: ({ path, prompt }) => oneByOne(async () => ({ tokens: promptTokens(prompt, await vocabularyOf(path)) })),
    estimate: (request) => oneByOne(async () => estimate(request, await llamaFor(request.backend), lines)),
    calibrate: ({ backend, directory }, call) => calibrateBackend(backend, directory, call, log),
    copyMemory: (request, call) => copyMemory(request, call, log),
    copySpeed: (request, call) => copySpeed(request, call, log),
    engineCheck: async ({ backend, directory }, call) => {
      await mkdir(directory, { recursive: true })
      const folder = await mkdtemp(join(directory, 'engine-check-'))
      try {
        return await engineCheck(backend, folder, call, log)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  }
}
