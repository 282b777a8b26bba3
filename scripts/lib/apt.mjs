import { existsSync, readFileSync } from 'node:fs'
import { SetupError } from './report.mjs'
import { ask, must } from './run.mjs'
import { isRoot } from './runtime.mjs'

/** Debian 13 and Ubuntu 24.04 gave these two new names (64-bit time). */
const newNames = { 'libgtk-3-0': 'libgtk-3-0t64', libasound2: 'libasound2t64' }

export function isDebianLike() {
  if (process.platform !== 'linux' || !existsSync('/etc/os-release') || !existsSync('/usr/bin/dpkg-query')) return false
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'))
}

/** Those of the packages that are not installed; asked of dpkg's own records (30 ms). */
export function missingPackages(packages) {
  const names = packages.flatMap((name) => [name, newNames[name] ?? name])
  const answer = ask('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...new Set(names)])
  const installed = new Set(
    answer.stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  )
  return packages.filter((name) => !installed.has(name) && !installed.has(newNames[name]))
}

/** Installs as root; as anyone else it fails with the one command to run. */
export async function installPackages(missing) {
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`
  if (!isRoot())
    throw new SetupError(`these system packages are missing: ${missing.join(', ')}`, `run: sudo sh -c 'apt-get update && ${command}'`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const options = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=2', '-q']
  try {
    await waitForDpkg()
    // A package manager that was killed half-way refuses everything until this has run; it does nothing otherwise.
    await must('dpkg', ['--configure', '-a'], { env })
    await must('apt-get', [...options, 'update'], { env })
    const found = missing.map(availableName)
    await must('apt-get', [...options, 'install', '-y', '--no-install-recommends', ...found], { env })
  } catch (error) {
    throw new SetupError(error.message, `check that this machine reaches its Debian mirror, then run: apt-get update && ${command}`)
  }
}

/** `dpkg --configure` does not wait for the lock as apt-get does; a set-up that was killed may have left one at work. */
async function waitForDpkg() {
  for (let tries = 0; tries < 300; tries += 1) {
    const busy = ask('sh', [
      '-c',
      'for p in /proc/[0-9]*; do read -r c < $p/comm && [ "$c" = dpkg -o "$c" = apt-get ] && exit 0; done 2>/dev/null; exit 1',
    ])
    if (!busy.ok) return
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
}

function availableName(name) {
  const newName = newNames[name]
  if (newName === undefined) return name
  return ask('apt-cache', ['show', newName]).ok ? newName : name
}
