import { join } from 'node:path'
import type { Backend } from '@shared/domain/hardware'
import { renderPrompt } from './chatTemplate'
import { generate } from './generate'
import { readHeaderOfFile } from './ggufFile'
import { textOf } from './ggufRead'
import { controlTokensOf, tokenizerOf } from './ggufTokenizer'
import type { EngineLog } from './llama'
import { loadModel } from './llamaRunner'
import { writeScriptedModel } from './scriptedModel'
import type { CallContext } from './server'

/** Does this backend really work here? The real llama.cpp must say the scripted model's script, through quantized kernels too. */
export async function engineCheck(
  backend: Backend,
  folder: string,
  call: CallContext,
  log: EngineLog,
): Promise<{ ok: boolean; detail: string; tokensPerSecond: number }> {
  const script = await writeScriptedModel(join(folder, 'engine-check.gguf'), { checkQuantized: true })
  const loaded = await loadModel(
    {
      path: script.path,
      backend,
      gpuLayers: 'max',
      contextSize: 512,
      batchSize: 128,
      // A model of a few MB: more threads only wait for each other.
      threads: 1,
      flashAttention: 'auto',
      kvCacheType: 'f16',
      useMmap: false,
    },
    call,
    log,
  )
  try {
    const header = await readHeaderOfFile(script.path)
    const prompt = renderPrompt({
      template: textOf(header, 'tokenizer.chat_template') ?? '',
      ...tokenizerOf(header),
      controlTokens: controlTokensOf(header),
      messages: [{ role: 'user', content: 'Speak.' }],
      thinking: { mode: 'on' },
    })
    const said = { answer: '', thought: '' }
    const stats = await generate(
      loaded,
      {
        prompt: prompt.pieces,
        sampling: { temperature: 0, topP: null, topK: null, minP: null, repeatPenalty: null, seed: 1 },
        markers: prompt.markers,
        opensThought: prompt.opensThought,
        thoughtBudgetTokens: null,
        maxTokens: null,
        stops: prompt.stops,
      },
      { signal: call.signal, emit: (event) => void (event.kind === 'delta' && (said[event.segment] += event.text)) },
    )
    const ok = said.answer.trim() === script.answer && (script.thought === null || said.thought.trim() === script.thought)
    return {
      ok,
      detail: ok ? said.answer.trim() : `expected ${JSON.stringify(script.answer)}, got ${JSON.stringify(said.answer)}`,
      tokensPerSecond: stats.evalTokensPerSecond,
    }
  } finally {
    await loaded.model.llama.dispose()
  }
}
