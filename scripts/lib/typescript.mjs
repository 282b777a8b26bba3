import { join } from 'node:path'
import { root } from './paths.mjs'

/** Loads a TypeScript module of this checkout in this process, with the aliases of the build. */
export async function importTypescript(path) {
  const { runnerImport } = await import('vite')
  const { module } = await runnerImport(join(root, path), {
    root,
    configFile: false,
    logLevel: 'warn',
    resolve: { alias: { '@shared': join(root, 'src/shared') } },
  })
  return module
}
