import { spawn, spawnSync } from 'node:child_process'
import { constants } from 'node:os'
import { setTimeout as after } from 'node:timers/promises'

/** Children in groups of their own, so that an interrupt ends them with everything that they started. */
const running = new Set()
/** The one program that this process stands for; it decides itself what a signal means. */
let inFront

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.on(signal, () => {
    if (inFront !== undefined) {
      inFront.kill(signal)
      return
    }
    for (const child of running) killGroup(child.pid, signal)
    if (running.size === 0) process.exit(code)
    // The children get a moment to clean up; what is left then is ended.
    void after(3000, undefined, { ref: true }).then(() => {
      for (const child of running) killGroup(child.pid, 'SIGKILL')
      process.exit(code)
    })
    const check = setInterval(() => running.size === 0 && process.exit(code), 50)
    check.unref()
  })
}

export function killGroup(pid, signal) {
  if (pid === undefined) return
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal)
  } catch {
    // Gone already, which is what was wanted.
  }
}

/**
 * Runs a program and gives `{ code, stdout, stderr }`. Output is kept, not shown, unless `show` says so;
 * `onStart` gets the process id; `timeoutMs` ends it and its children.
 */
export function run(command, args, { cwd, env, show = false, timeoutMs, onStart, stdin = 'ignore' } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: env === undefined ? process.env : { ...process.env, ...env },
      stdio: show ? [stdin, 2, 2] : [stdin, 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      shell: process.platform === 'win32' && command === 'npm',
    })
    running.add(child)
    onStart?.(child.pid)
    let stdout = ''
    let stderr = ''
    child.stdout?.on('data', (chunk) => (stdout += chunk))
    child.stderr?.on('data', (chunk) => (stderr += chunk))
    let timedOut = false
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true
            killGroup(child.pid, 'SIGKILL')
          }, timeoutMs)
    child.on('error', (error) => {
      clearTimeout(timer)
      running.delete(child)
      reject(error)
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      running.delete(child)
      resolve({ code: code ?? 128, signal, stdout, stderr, timedOut })
    })
  })
}

/** As `run`, but a failure is an error whose text ends with what the program said last. */
export async function must(command, args, options = {}) {
  const result = await run(command, args, options)
  if (result.code === 0) return result
  const said = `${result.stderr}\n${result.stdout}`.trim().split('\n').slice(-12).join('\n')
  const why = result.timedOut ? 'took too long' : `ended with code ${result.code}`
  throw new Error(`${command} ${args.slice(0, 3).join(' ')} ${why}${said === '' ? '' : `:\n${said}`}`)
}

/** Quick questions to small programs (milliseconds). */
export function ask(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000, ...options })
  return { ok: result.status === 0 && result.error === undefined, stdout: result.stdout ?? '', stderr: result.stderr ?? '' }
}

export function has(command) {
  const finder = process.platform === 'win32' ? 'where' : 'which'
  return ask(finder, [command]).ok
}

/** Hands terminal, signals and exit code over to one program and ends with it. */
export async function replaceBy(command, args, { cwd, env } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: 'inherit' })
  inFront = child
  const [code, signal] = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (...end) => resolve(end))
  })
  inFront = undefined
  if (signal !== null) process.exit(128 + (constants.signals[signal] ?? 0))
  process.exit(code)
}
