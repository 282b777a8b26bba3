import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { readRuntime } from './lib/runtime.mjs'
import { setup } from './lib/setup.mjs'
import { importTypescript } from './lib/typescript.mjs'

/** A hub on loopback with two real files, so that the whole main job can be done by hand on a machine that reaches no hub. */
if (!(await setup({ quiet: true }))) process.exit(1)
const { starterModel } = readRuntime()
const { startHub } = await importTypescript('e2e/fixtures/hubServer.ts')
const { writeScriptedModel } = await importTypescript('src/engine/scriptedModel.ts')

const folder = mkdtempSync(join(tmpdir(), 'snug-hub-'))
const scripted = join(folder, 'snug-scripted-F32.gguf')
await writeScriptedModel(scripted)

const repositories = { 'snug-test/scripted-GGUF': { files: { [basename(scripted)]: scripted }, licence: 'mit' } }
if (starterModel !== undefined && existsSync(starterModel)) {
  const readme = Buffer.from('---\nlicense: apache-2.0\n---\nA 135M English demonstration.\n')
  repositories['HuggingFaceTB/SmolLM2-135M-Instruct-GGUF'] = {
    files: { [basename(starterModel)]: starterModel, 'README.md': readme },
    licence: 'apache-2.0',
  }
}
const hub = await startHub({ repositories, port: Number(process.argv[2] ?? 0) })

console.log(`A hub with ${Object.keys(repositories).join(' and ')} runs at ${hub.endpoint} until Ctrl+C. In another terminal:

  HF_ENDPOINT=${hub.endpoint} npm start
  HF_ENDPOINT=${hub.endpoint} npm run -s snug -- pull ${Object.keys(repositories).at(-1)}
`)

const stop = new Promise((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.removeAllListeners(signal)
    process.once(signal, resolve)
  }
})
await stop
await hub.close()
rmSync(folder, { recursive: true, force: true })
process.exit(0)
