import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from './lock.mjs'
import { cacheDir, root, sha256OfText } from './paths.mjs'
import { printFailure, printPlan, say, seconds } from './report.mjs'
import { dependencies } from './steps/dependencies.mjs'
import { electron } from './steps/electron.mjs'
import { gemmaModel, starterModel } from './steps/models.mjs'
import { sqlite } from './steps/sqlite.mjs'
import { systemLibraries } from './steps/systemLibraries.mjs'

const steps = [systemLibraries, dependencies, electron, sqlite, starterModel, gemmaModel]

/**
 * Makes this checkout ready and gives true, or says what to do and gives false.
 * Each step can be killed at any moment and is done again by the next run; when nothing is to be done it takes well under a second.
 * @param {{ full?: boolean, forTests?: boolean, quiet?: boolean, retryElectron?: boolean }} wishes
 */
export async function setup(wishes = {}) {
  if (!supportedNode() || !wholeCheckout()) return false
  const began = performance.now()
  if (stepsToDo(wishes).length === 0) {
    if (!wishes.quiet) say(`Snug is set up (checked in ${seconds(performance.now() - began)}).`)
    return true
  }
  const lock = join(cacheDir(), 'locks', `${sha256OfText(root).slice(0, 16)}.lock`)
  return withLock(lock, async ({ noteChild }) => {
    // Another set-up may have done it while this one waited.
    const planned = stepsToDo(wishes)
    if (planned.length > 0) printPlan(planned)
    const done = await performAll({ ...wishes, noteChild }, planned)
    if (done) say(`Snug is set up (${seconds(performance.now() - began)}).`)
    return done
  })
}

function stepsToDo(wishes) {
  return steps.flatMap((step) => {
    const plan = step.plan(wishes)
    return plan === undefined ? [] : [{ ...plan, id: step.id, title: step.title }]
  })
}

async function performAll(context, planned) {
  const named = new Set(planned.map((step) => step.id))
  for (const step of steps) {
    try {
      // Asked again, because what one step makes can spare or call for another.
      const plan = step.plan(context)
      if (plan === undefined) continue
      say(`${step.title}: ${plan.what} …${named.has(step.id) ? '' : ' (follows from the steps before)'}`)
      const began = performance.now()
      const stillAtIt = setInterval(() => say(`  … ${seconds(performance.now() - began)}`), 15_000)
      const result = await step.perform(context).finally(() => clearInterval(stillAtIt))
      say(`${step.title}: done in ${seconds(performance.now() - began)}. ${result}`)
    } catch (error) {
      printFailure(step.title, error)
      return false
    }
  }
  return true
}

function supportedNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return true
  say(`Snug needs Node 20.19 or newer; this is ${process.versions.node}.`)
  return false
}

/** Every version and hash that set-up installs is named there; without it nothing can be told to be right. */
function wholeCheckout() {
  if (existsSync(join(root, 'package-lock.json'))) return true
  say(`package-lock.json is missing in ${root}: bring it back (git checkout -- package-lock.json), or clone Snug again.`)
  return false
}
