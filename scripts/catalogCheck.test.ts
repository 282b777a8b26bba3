import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningHub, startHub } from '../e2e/fixtures/hubServer'

interface Row {
  name: string
  file?: string
  sizeBytes?: number
  listed?: [bytes: number, off: number]
}
type Check = (options: { entries: { id: string; repositories: string[]; quantizations: Row[] }[]; endpoint: string }) => Promise<{
  differences: string[]
  unanswered: string[]
  files: number
}>

let server: RunningHub
let check: Check

beforeAll(async () => {
  check = ((await import(new URL('lib/catalogCheck.mjs', import.meta.url).href)) as { checkCatalog: Check }).checkCatalog
  server = await startHub({
    treePageSize: 2,
    repositories: {
      'maker/model-GGUF': {
        files: {
          'model-Q8_0.gguf': Buffer.alloc(800),
          'model-Q4_K_M.gguf': Buffer.alloc(500),
          'UD/model-UD-Q2_K_XL.gguf': Buffer.alloc(300),
          'BF16/model-BF16-00001-of-00002.gguf': Buffer.alloc(1000),
          'BF16/model-BF16-00002-of-00002.gguf': Buffer.alloc(600),
        },
      },
      'other/model-GGUF': { files: { 'x.gguf': Buffer.alloc(1) } },
      'guarded/model-GGUF': { gated: true, files: { 'model-Q8_0.gguf': Buffer.alloc(800) } },
    },
  })
})
afterAll(() => server.close())

const same: Row[] = [
  { name: 'Q8_0', file: 'model-Q8_0.gguf', sizeBytes: 800 },
  { name: 'Q4_K_M', file: 'model-Q4_K_M.gguf', listed: [510, 10] },
  { name: 'BF16', file: 'BF16/model-BF16-00001-of-00002.gguf', sizeBytes: 1600 },
]
const run = (quantizations: Row[], repositories = ['maker/model-GGUF', 'other/model-GGUF'], endpoint = server.endpoint) =>
  check({ entries: [{ id: 'model', repositories, quantizations }], endpoint })

describe('the catalogue against a hub', () => {
  it('finds nothing where all is as written, over pages and parts', async () => {
    expect(await run(same)).toEqual({ differences: [], unanswered: [], files: 3 })
  })
  it('names the file that is gone and what is there instead, and another size', async () => {
    const { differences } = await run([
      { name: 'Q2_K_XL', file: 'model-Q2_K_XL.gguf', sizeBytes: 300 },
      { name: 'Q4_K_M', file: 'model-Q4_K_M.gguf', listed: [511, 10] },
      { name: 'Q8_0', file: 'model-Q8_0.gguf', sizeBytes: 801 },
    ])
    expect(differences).toEqual([
      'model: maker/model-GGUF: Q2_K_XL: no model-Q2_K_XL.gguf (but UD/model-UD-Q2_K_XL.gguf)',
      'model: maker/model-GGUF: Q4_K_M: 500 bytes, the catalogue says 511 ± 10',
      'model: maker/model-GGUF: Q8_0: 800 bytes, the catalogue says 801',
    ])
  })
  it('reads the list of what is behind an agreement: sizes are no secret', async () => {
    const right = [{ name: 'Q8_0', file: 'model-Q8_0.gguf', sizeBytes: 800 }]
    expect(await run(right, ['guarded/model-GGUF'])).toEqual({ differences: [], unanswered: [], files: 1 })
    expect((await run([{ name: 'Q4_K_M', file: 'model-Q4_K_M.gguf', sizeBytes: 500 }], ['guarded/model-GGUF'])).differences).toEqual([
      'model: guarded/model-GGUF: Q4_K_M: no model-Q4_K_M.gguf',
    ])
  })
  it('is a command: what it says, and how it ends', async () => {
    const command = (endpoint: string, ...ids: string[]) =>
      new Promise<{ code: number | null; said: string }>((resolve) => {
        const child = spawn(process.execPath, [fileURLToPath(new URL('catalogCheck.mjs', import.meta.url)), ...ids], {
          env: { ...process.env, HF_ENDPOINT: endpoint },
        })
        let said = ''
        for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes.toString()))
        child.on('exit', (code) => resolve({ code, said }))
      })
    // This hub has none of the catalogue's repositories.
    const gone = await command(server.endpoint, 'qwen3-8b')
    expect(gone.code).toBe(1)
    expect(gone.said).toContain('qwen3-8b: unsloth/Qwen3-8B-GGUF is not there')
    expect(await command(server.endpoint, 'no-such-model')).toEqual({ code: 2, said: 'Not in the catalogue: no-such-model\n' })
    const silent = await command('http://127.0.0.1:9', 'qwen3-8b')
    expect(silent.code).toBe(2)
    expect(silent.said).toContain('Nothing was checked')
  })
  it('names a repository that is gone', async () => {
    expect((await run(same, ['maker/model-GGUF', 'maker/gone'])).differences).toEqual(['model: maker/gone is not there'])
  })
  it('does not take silence for an answer', async () => {
    const closed = await startHub({ repositories: {} })
    await closed.close()
    const { differences, unanswered } = await run(same, ['maker/model-GGUF'], closed.endpoint)
    expect(differences).toEqual([])
    expect(unanswered).toEqual([expect.stringContaining('ECONNREFUSED')])
  })
})
