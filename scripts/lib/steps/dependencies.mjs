import { existsSync, lstatSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeJson } from '../atomic.mjs'
import { readJson, root, sha256OfText, stateDir } from '../paths.mjs'
import { SetupError } from '../report.mjs'
import { must } from '../run.mjs'

const stamp = join(stateDir, 'dependencies.json')
const modules = join(root, 'node_modules')
const npmRecord = join(modules, '.package-lock.json')

export const dependencies = {
  id: 'dependencies',
  title: 'Packages',
  plan() {
    if (readJson(stamp)?.key === key()) return undefined
    if (matchesLockfile()) {
      writeJson(stamp, { key: key() })
      return undefined
    }
    return { what: 'npm ci (node_modules does not match package-lock.json)', megabytes: 900, minutes: 1.5 }
  },
  async perform(context) {
    // `npm ci` empties the folder behind a link before it makes one of its own: another checkout's packages would be gone.
    if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) {
      throw new SetupError(
        'node_modules is a link to a folder that does not match package-lock.json',
        'run `npm run setup` where it leads, or remove the link.',
      )
    }
    // Both records go first: whenever this is killed, what is left is not taken for a whole installation.
    rmSync(stamp, { force: true })
    rmSync(npmRecord, { force: true })
    try {
      await must('npm', ['ci', '--no-audit', '--no-fund', '--prefer-offline'], {
        cwd: root,
        env: { ELECTRON_SKIP_BINARY_DOWNLOAD: '1' },
        onStart: context.noteChild,
      })
    } catch (error) {
      const advice = /EUSAGE/.test(error.message)
        ? 'package.json and package-lock.json disagree: run `npm install` once and look at what changed.'
        : 'check that this machine reaches an npm registry (`npm ping`) and has 2 GB of free disk.'
      throw new SetupError(error.message, advice)
    }
    writeJson(stamp, { key: key() })
    return 'npm ci'
  },
}

function key() {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8')
  const major = process.versions.node.split('.')[0]
  return sha256OfText(`${lock}\n${process.platform}-${process.arch}-${major}`)
}

/** For installations made by hand: npm's own record says the same as the lockfile, and each package is there. */
function matchesLockfile() {
  const wanted = readJson(join(root, 'package-lock.json'))?.packages
  const record = readJson(npmRecord)?.packages
  if (wanted === undefined || record === undefined) return false
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || entry.link) continue
    const found = record[path]
    if (found === undefined) {
      // Packages of other platforms are left out of the record.
      if (entry.optional || entry.devOptional || entry.peer) continue
      return false
    }
    if (found.version !== entry.version) return false
    const manifest = join(root, path, 'package.json')
    if (!existsSync(manifest) || readJson(manifest)?.version !== entry.version) return false
  }
  return true
}
