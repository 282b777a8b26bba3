import { copyFile, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { SnugError } from '@shared/errors'
import { amxIsThere } from './ggufFile'

/** llama.cpp's builds for processors with AMX. */
const amxBuilds = /sapphirerapids|granite/i
const cpuBuild = /^(lib)?ggml-cpu-.*\.(so|dll)$/i

let taken: Promise<void> | null = null

/**
 * llama.cpp takes the best of its builds for a processor; this loads the best without AMX before node-llama-cpp lets it choose. AMX
 * computes a stack of matrices that are no experts (the latent attention of DeepSeek and GLM) wrongly, or ends the process
 * (`*cur_backend_id != -1`) with flash attention: llama.cpp v0.4.0, of which it reserves and copies the first matrix only.
 */
export function takeBuildWithoutAmx(): Promise<void> {
  taken ??= takeIt().catch((cause: unknown) => {
    throw new SnugError('engine/unavailable', `no llama.cpp without AMX: ${String(cause)}`, { backend: 'cpu' }, { cause })
  })
  return taken
}

async function takeIt(): Promise<void> {
  // Elsewhere nothing tells of AMX: there the build without it is taken in any case, which is the same one where there is none.
  if (process.arch !== 'x64' || process.platform === 'darwin' || (process.platform === 'linux' && !amxIsThere())) return
  const name = `${process.platform === 'win32' ? 'win' : process.platform}-x64`
  const { getBinsDir } = (await import(/* @vite-ignore */ `@node-llama-cpp/${name}`)) as { getBinsDir: () => { binsDir: string } }
  const folder = join(getBinsDir().binsDir.replace(`.asar${sep}`, `.asar.unpacked${sep}`), name)
  const builds = (await readdir(folder)).filter((file) => cpuBuild.test(file) && !amxBuilds.test(file))
  if (builds.length === 0) throw new Error(`${folder} has no other build`)
  const chosenFrom = await mkdtemp(join(tmpdir(), 'snug-cpu-'))
  try {
    for (const file of builds) {
      const [from, to] = [join(folder, file), join(chosenFrom, file)]
      await (process.platform === 'win32' ? copyFile(from, to) : symlink(from, to))
    }
    const addon = createRequire(import.meta.url)(join(folder, 'llama-addon.node')) as { loadBackends: (path: string) => void }
    addon.loadBackends(chosenFrom)
  } finally {
    // Windows keeps the one in use until the process ends.
    await rm(chosenFrom, { recursive: true, force: true }).catch(() => {})
  }
}
