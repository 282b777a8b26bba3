import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { installPackages, isDebianLike } from '../apt.mjs'
import { makeFile, partName } from '../atomic.mjs'
import { cacheDir, nodeNapi, readJson, root, runtimeFile } from '../paths.mjs'
import { SetupError } from '../report.mjs'
import { ask, has, must } from '../run.mjs'
import { electronBinary } from '../runtime.mjs'

const packageFolder = join(root, 'node_modules', 'better-sqlite3')
const target = join(packageFolder, 'build', 'Release', 'better_sqlite3.node')
/** Its prebuilt binaries call what Node-API 10 brought; an older runtime dies of it when a database is opened. */
const prebuiltNapi = 10
const recipe = 1
const tools = { make: 'make', 'g++': 'g++', python3: 'python3' }

export const sqlite = {
  id: 'sqlite',
  title: 'better-sqlite3',
  plan() {
    if (!needsCompatibility()) return undefined
    if (isInPlace()) return undefined
    if (existsSync(cached())) return { what: 'compatibility build from the cache', megabytes: 0, minutes: 0.02 }
    return { what: `compatibility build for Node-API ${lowestNapi()} (once)`, megabytes: 0, minutes: 1.2 }
  },
  async perform() {
    const fromCache = existsSync(cached())
    await makeFile(cached(), build)
    mkdirSync(dirname(target), { recursive: true })
    const part = partName(target)
    copyFileSync(cached(), part)
    renameSync(part, target)
    await prove()
    return fromCache ? 'compatibility build, from the cache' : `compatibility build for Node-API ${lowestNapi()}`
  },
}

function lowestNapi() {
  // Before an Electron is chosen the running Node decides; the step looks again when its turn comes.
  return Math.min(nodeNapi, readJson(runtimeFile)?.electronNapi ?? nodeNapi)
}

function needsCompatibility() {
  return lowestNapi() < prebuiltNapi
}

function version() {
  return readJson(join(packageFolder, 'package.json'))?.version ?? readJson(join(root, 'package.json')).dependencies['better-sqlite3']
}

function cached() {
  return join(cacheDir(), 'native', `better-sqlite3-${version()}-${process.platform}-${process.arch}-napi${lowestNapi()}-r${recipe}.node`)
}

/** Copies are renamed into place when whole, so the size tells enough. */
function isInPlace() {
  return existsSync(target) && existsSync(cached()) && statSync(target).size === statSync(cached()).size
}

async function build(output) {
  await needTools()
  // For the same reason elsewhere, where the cache's own name has one.
  const work = /\s/.test(output) ? join(tmpdir(), `snug-${basename(output).replaceAll(/\s/g, '-')}-work`) : `${output}-work`
  try {
    mkdirSync(work)
    const source = join(work, 'better-sqlite3')
    cpSync(packageFolder, source, { recursive: true, filter: (path) => !/[/\\](prebuilds|build|node_modules)$/.test(path) })
    mkdirSync(join(work, 'node_modules'))
    // A copy, because a link is followed to its target, and make takes a name with a space for two.
    cpSync(addonApi(), join(work, 'node_modules', 'node-addon-api'), { recursive: true })
    const recipeFile = join(source, 'binding.gyp')
    const recipeText = readFileSync(recipeFile, 'utf8')
    const patched = recipeText.replaceAll(/(['"])NAPI_VERSION=10\1/g, "'NAPI_EXPERIMENTAL', 'NODE_API_EXPERIMENTAL_NOGC_ENV_OPT_OUT'")
    if (patched === recipeText)
      throw new SetupError('binding.gyp of better-sqlite3 is not as expected', 'use Node 22.14 or newer, which needs no build.')
    writeFileSync(recipeFile, patched)
    const jobs = String(Math.max(1, availableParallelism()))
    const gyp = [nodeGyp(), 'rebuild', '--release', '--force_build=1', `--nodedir=${nodePrefix()}`, '--jobs', jobs]
    try {
      await must(process.execPath, gyp, { cwd: source, timeoutMs: 15 * 60_000 })
    } catch (error) {
      throw new SetupError(
        error.message,
        'this build needs make, a C++20 compiler and Python 3; Node 22.14 or newer needs no build at all.',
      )
    }
    copyFileSync(join(source, 'build', 'Release', 'better_sqlite3.node'), output)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

async function needTools() {
  const missing = Object.keys(tools).filter((command) => !has(command))
  if (missing.length === 0) return
  if (!isDebianLike())
    throw new SetupError(`missing: ${missing.join(', ')}`, 'install make, a C++20 compiler and Python 3, or use Node 22.14 or newer.')
  await installPackages(missing.map((command) => tools[command]))
}

function addonApi() {
  const places = [join(packageFolder, 'node_modules'), join(root, 'node_modules')].map((folder) => join(folder, 'node-addon-api'))
  const found = places.find((folder) => existsSync(join(folder, 'package.json')))
  if (found === undefined) throw new SetupError('node-addon-api is not installed', 'remove node_modules and run this again.')
  return found
}

/** Without the headers at hand node-gyp would fetch them from a site that may be out of reach. */
function nodePrefix() {
  const prefix = resolve(dirname(process.execPath), '..')
  if (existsSync(join(prefix, 'include', 'node', 'node_api.h'))) return prefix
  throw new SetupError(
    `the headers of Node are not beside it (${prefix}/include/node)`,
    'use a Node from its official archive, its Docker image or the package libnode-dev, or Node 22.14 or newer.',
  )
}

function nodeGyp() {
  const own = join(root, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js')
  if (existsSync(own)) return own
  return join(ask('npm', ['root', '-g']).stdout.trim(), 'npm', 'node_modules', 'node-gyp', 'bin', 'node-gyp.js')
}

const trial = `const Database = require('better-sqlite3')
const db = new Database(':memory:')
db.exec('create virtual table t using fts5(x)')
process.stdout.write(db.prepare('select sqlite_version() v').get().v)`

/** Both runtimes open a database, in processes of their own, since a wrong binary ends the process. */
async function prove() {
  const runtimes = [['Node', process.execPath, {}]]
  const dist = readJson(runtimeFile)?.electronDist
  if (dist !== undefined) runtimes.push(['Electron', electronBinary(dist), { ELECTRON_RUN_AS_NODE: '1' }])
  for (const [name, binary, env] of runtimes) {
    const answer = ask(binary, ['-e', trial], { cwd: root, env: { ...process.env, ...env } })
    if (answer.ok) continue
    rmSync(target, { force: true })
    throw new SetupError(
      `better-sqlite3 does not load in ${name}: ${answer.stderr.trim() || 'it ended at once'}`,
      `remove ${cached()} and run this again.`,
    )
  }
}
