import { type ContextShiftOptions, getLlama, LlamaLogLevel, type LlamaContextSequence, type LlamaModel, type Token } from 'node-llama-cpp'

/** What a person writes first with node-llama-cpp: load, tokenise, `evaluate`. The yardstick for the app's whole path. */
export interface BareLoad {
  kind: 'load'
  path: string
  contextSize: number
  batchSize: number
  /** null leaves it to node-llama-cpp. */
  threads: number | null
}
export interface BareRun {
  kind: 'run'
  /** The prompt as the model sees it, with its control tokens spelled out. */
  text: string
  tokens: number
  /** A slow configuration need not be waited for. */
  limitMs: number
}
export interface BareAnswer {
  promptTokens: number
  tokens: number
  tokensPerSecond: number
  text: string
}

let model: LlamaModel | undefined
let sequence: LlamaContextSequence | undefined

/** As in Snug: a full context ends the reply. */
const contextShift: ContextShiftOptions = {
  strategy: () => {
    throw new Error('the context is full')
  },
}

async function load({ path, contextSize, batchSize, threads }: BareLoad): Promise<void> {
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: LlamaLogLevel.error,
    ...(threads === null ? {} : { maxThreads: threads }),
  })
  model = await llama.loadModel({ modelPath: path, gpuLayers: 0, useMmap: false })
  const context = await model.createContext({ contextSize, batchSize, sequences: 1, ...(threads === null ? {} : { threads }) })
  sequence = context.getSequence()
}

async function run({ text, tokens, limitMs }: BareRun): Promise<BareAnswer> {
  if (model === undefined || sequence === undefined) throw new Error('nothing is loaded')
  await sequence.clearHistory()
  const prompt = model.tokenize(text, true)
  const said: Token[] = []
  let firstAt = 0
  let lastAt = 0
  // Greedy, with the samplers that Snug sets as well.
  const options = { temperature: 0, topK: 40, topP: 0.95, minP: 0.05, seed: 1, yieldEogToken: true, contextShift }
  for await (const token of sequence.evaluate(prompt, options)) {
    lastAt = performance.now()
    if (said.length === 0) firstAt = lastAt
    said.push(token)
    if (said.length >= tokens || model.isEogToken(token) || lastAt - firstAt > limitMs) break
  }
  return {
    promptTokens: prompt.length,
    tokens: said.length,
    tokensPerSecond: ((said.length - 1) / (lastAt - firstAt)) * 1000,
    text: model.detokenize(said),
  }
}

process.on('message', (message: BareLoad | BareRun) => {
  const work = message.kind === 'load' ? load(message) : run(message)
  work.then(
    (value) => process.send?.({ value: value ?? null }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
