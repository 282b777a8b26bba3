import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { SnugError } from '@shared/errors'
import { amxBuilds, amxIsThere } from './cpuFeatures'

const cpuBuild = /^libggml-cpu-.*\.so$/i

/** The package with the builds for a processor alone. */
const name = 'linux-x64'

let taken: Promise<void> | null = null

/**
 * llama.cpp takes the best of its builds for a processor; this loads the best without AMX before node-llama-cpp lets it choose. AMX
 * computes a stack of matrices that are no experts (the latent attention of DeepSeek and GLM) wrongly, or ends the process
 * (`*cur_backend_id != -1`) with flash attention, as of a stack it reserves and copies the first matrix only (llama.cpp v0.4.0). ADR 12.
 */
export function takeBuildWithoutAmx(): Promise<void> {
  taken ??= takeIt().catch((cause: unknown) => {
    throw new SnugError('engine/unavailable', `no llama.cpp without AMX: ${String(cause)}`, { backend: 'cpu' }, { cause })
  })
  return taken
}

async function takeIt(): Promise<void> {
  // Elsewhere nothing tells of AMX before llama.cpp has chosen.
  if (process.platform !== 'linux' || !amxIsThere()) return
  const { getBinsDir } = (await import(/* @vite-ignore */ `@node-llama-cpp/${name}`)) as { getBinsDir: () => { binsDir: string } }
  const folder = join(getBinsDir().binsDir.replace(`.asar${sep}`, `.asar.unpacked${sep}`), name)
  const builds = (await readdir(folder)).filter((file) => cpuBuild.test(file) && !amxBuilds.test(file))
  if (builds.length === 0) throw new Error(`${folder} has no other build`)
  const chosenFrom = await mkdtemp(join(tmpdir(), 'snug-cpu-'))
  try {
    for (const file of builds) await symlink(join(folder, file), join(chosenFrom, file))
    const addon = createRequire(import.meta.url)(join(folder, 'llama-addon.node')) as { loadBackends: (path: string) => void }
    addon.loadBackends(chosenFrom)
  } finally {
    await rm(chosenFrom, { recursive: true, force: true })
  }
}
