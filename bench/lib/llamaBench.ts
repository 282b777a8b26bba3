import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { checkout } from '../../e2e/fixtures/launch'
import { snugPaths } from '../../src/main/platform/paths'
import { say } from './report'

const run = promisify(execFile)
const library = /^lib(?:llama|llama-common|ggml|ggml-base)(?:\.v[\d.]+)?\.so$/

export interface LlamaBench {
  version: string
  /** Tokens per second of generation after `depth` tokens of prompt. */
  decode(path: string, options: { threads: number; tokens: number; depth: number }): Promise<number>
}

/**
 * llama.cpp's own benchmark, without building llama.cpp: its two source files against the prebuilt libraries that Snug runs
 * (the same machine code on both sides). It has neither sampler nor detokeniser. Gives the reason where it cannot be had.
 */
export async function llamaBench(): Promise<LlamaBench | string> {
  const binaries = join(
    checkout,
    `node_modules/@node-llama-cpp/${process.platform}-${process.arch}/bins/${process.platform}-${process.arch}`,
  )
  if (process.platform !== 'linux' || !existsSync(binaries)) return 'only Linux has the prebuilt libraries to link it with'
  const sources = join(checkout, 'node_modules/node-llama-cpp/llama')
  const version = (JSON.parse(readFileSync(join(sources, 'binariesGithubRelease.json'), 'utf8')) as { release: string }).release
  const program = join(snugPaths({ env: process.env, platform: process.platform }).cacheDir, `bench/llama-bench-${version}`)
  if (!existsSync(program)) {
    const compiler = await firstOf([process.env.CXX, 'g++', 'c++', 'clang++'])
    if (compiler === null) return 'there is no C++ compiler to build it with'
    try {
      await build(compiler, join(sources, 'gitRelease.bundle'), binaries, program)
    } catch (error) {
      return `it did not build: ${error instanceof Error ? error.message.split('\n').slice(0, 3).join(' | ') : String(error)}`
    }
  }
  return {
    version,
    decode: async (path, { threads, tokens, depth }) => {
      const options = ['-m', path, '-ngl', '0', '-p', '0', '-n', `${tokens}`, '-d', `${depth}`, '-t', `${threads}`, '-r', '1', '-o', 'json']
      // It looks for its backends beside itself and in the working folder.
      const { stdout } = await run(program, options, { cwd: binaries, env: { ...process.env, LD_LIBRARY_PATH: binaries } })
      return (JSON.parse(stdout) as { avg_ts: number }[])[0]?.avg_ts ?? 0
    },
  }
}

async function firstOf(compilers: readonly (string | undefined)[]): Promise<string | null> {
  for (const compiler of compilers) {
    if (compiler === undefined) continue
    const works = await run(compiler, ['--version']).then(
      () => true,
      () => false,
    )
    if (works) return compiler
  }
  return null
}

async function build(compiler: string, bundle: string, binaries: string, program: string): Promise<void> {
  say('Building llama-bench once (about 15 s) …')
  const folder = mkdtempSync(join(tmpdir(), 'snug-llama-bench-'))
  try {
    await run('git', ['clone', '-q', '--no-checkout', bundle, folder])
    await run('git', ['-C', folder, 'checkout', '-q', 'HEAD', '--', 'tools/llama-bench', 'include', 'common', 'ggml/include', 'vendor'])
    const at = (path: string) => join(folder, path)
    const code = readdirSync(at('tools/llama-bench')).filter((name) => name.endsWith('.cpp'))
    const libraries = readdirSync(binaries).filter((name) => library.test(name))
    await run(compiler, [
      '-O2',
      '-DNDEBUG',
      '-std=c++17',
      ...['include', 'common', 'ggml/include', 'vendor'].map((path) => `-I${at(path)}`),
      ...code.map((name) => at(`tools/llama-bench/${name}`)),
      ...libraries.map((name) => join(binaries, name)),
      '-Wl,--allow-shlib-undefined',
      '-o',
      at('llama-bench'),
    ])
    mkdirSync(join(program, '..'), { recursive: true })
    // A copy beside its place, then one rename: no half program is ever run.
    await run('cp', [at('llama-bench'), `${program}.part`])
    renameSync(`${program}.part`, program)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
