import type { CallName, EngineCalls } from '@shared/engine/protocol'

type PlainHandlers = { [C in Exclude<CallName, 'generate'>]: (args: EngineCalls[C]['args']) => EngineCalls[C]['reply'] }

const words = (text: string) => text.match(/\S+\s*|\s+/g) ?? []

/** Default answers of the in-memory engine: a small CPU machine and a small llama-shaped model. */
export const defaultFacts: PlainHandlers = {
  probe: () => ({
    backend: 'cpu',
    llamaVersion: 'fake',
    devices: [],
    vram: { totalBytes: 0, freeBytes: 0, unifiedBytes: 0 },
    ram: { totalBytes: 16e9, freeBytes: 12e9 },
    systemInfo: 'fake',
  }),
  header: () => ({ complete: true, headerBytes: 4096, sha256: '0'.repeat(64), splitCount: 1, splitNumber: 1 }),
  inspect: () => ({
    architecture: 'llama',
    name: 'Fake',
    sizeLabel: '1M',
    parameters: 1e6,
    activeParameters: 1e6,
    quantization: 'F32',
    bitsPerWeight: 32,
    sizeBytes: 4e6,
    headerBytes: 4096,
    trainContextSize: 8192,
    geometry: {
      architecture: 'llama',
      layers: [{ kind: 'full', kvHeads: 1, headDimK: 64, headDimV: 64 }],
      embeddingLength: 64,
      feedForwardLength: 128,
      headCount: 1,
      vocabularySize: 512,
      trainContextSize: 8192,
      slidingWindow: null,
      experts: null,
    },
    weights: {
      totalBytes: 4e6,
      tokenEmbeddingBytes: 131072,
      outputBytes: 131072,
      outputIsTied: false,
      layerBytes: [3.7e6],
      activeLayerBytes: [3.7e6],
      bytesByType: { F32: 4e6 },
      repackableBytes: 0,
      mappedBytesWhenRepacked: 4e6,
    },
    tokenizer: { model: 'llama', pre: null, bos: '<s>', eos: '</s>', addBos: true, tokens: 512, merges: 0 },
    chatTemplate: null,
    licence: null,
    parts: ['fake.gguf'],
    sampling: null,
    kind: 'model',
    scripted: true,
  }),
  capability: () => ({ kind: 'none' }),
  render: (args) => {
    const text = args.messages.map((message) => `<${message.role}>${message.content}</${message.role}>`).join('')
    return {
      text,
      pieces: [{ kind: 'text', text }],
      thinking: { kind: 'none' },
      markers: null,
      opensThought: false,
      thinkingOff: args.thinking.mode === 'off',
      stops: [],
      template: { kind: 'own' },
    }
  },
  estimate: () => ({ level: 'dry-run', parts: [{ device: 'cpu', kind: 'weights', bytes: 4e6 }] }),
  tokenize: (args) => ({ tokens: words(args.prompt.map((piece) => piece.text).join('')).map((_, index) => index) }),
  copyMemory: () => ({
    buffers: { parts: [{ device: 'cpu', kind: 'weights', bytes: 4e6 }], completeness: 'complete' },
    loadMs: 10,
    grewBytes: 4e6,
  }),
  copySpeed: () => ({
    placements: [
      {
        gpu: false,
        slices: [
          {
            blocks: 1,
            blockBytes: 3.7e6,
            attention: [{ depth: 0, elements: 0 }],
            decode: [
              {
                depth: 5,
                rounds: [
                  [10, 10],
                  [10, 10],
                  [10, 10],
                ],
              },
            ],
            prefill: [{ from: 0, tokens: 64, ms: 64 }],
          },
        ],
      },
    ],
    threads: 1,
    diskBytes: 4e6,
    tookMs: 100,
    load: 0,
  }),
  calibrate: ({ backend }) => ({
    backend,
    device: 'fake',
    threads: { decode: 1, prefill: 1 },
    tookMs: 1,
    load: 0,
    slices: [
      {
        name: 'wide Q4_K 3',
        role: 'wide',
        width: 2048,
        heads: 96,
        headDim: 64,
        bytesByType: { Q4_K: 100e6 },
        layers: 3,
        vocabulary: 8192,
        attention: 12_288,
        decode: [{ depth: 0, ms: [10, 10, 10] }],
        prefill: [{ from: 0, tokens: 128, ms: 400 }],
      },
    ],
  }),
  engineCheck: () => ({ ok: true, detail: 'fake', tokensPerSecond: 1000 }),
  load: (args) => ({
    backend: 'cpu',
    gpuLayers: 0,
    totalLayers: 2,
    contextSize: args.contextSize === 'auto' ? 8192 : args.contextSize,
    batchSize: args.batchSize === 'auto' ? 512 : args.batchSize,
    threads: args.threads === 'auto' ? 1 : args.threads,
    flashAttention: args.flashAttention === true,
    kvCacheType: args.kvCacheType,
    useMmap: false,
    trainContextSize: 8192,
    loadMs: 1,
    buffers: { parts: [{ device: 'cpu', kind: 'weights', bytes: 4e6 }], completeness: 'complete' },
    needsCheckpoints: false,
  }),
  count: (args) => ({ tokens: args.prompt.reduce((sum, piece) => sum + words(piece.text).length, 0) }),
  grown: () => ({ bytes: 4e6 }),
  saveState: () => ({ bytes: 0 }),
  loadState: () => ({ tokens: 0 }),
  cancel: () => null,
}
