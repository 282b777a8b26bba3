import { spawn } from 'node:child_process'
import { has } from './run.mjs'
import { hasDisplay } from './runtime.mjs'

/**
 * One display without a screen for a whole run, large enough for each window; the server picks a free number itself.
 * Gives `{ display, stop }`; on machines with a display and no wish for a private one, that display.
 */
export async function startXvfb() {
  if (process.platform !== 'linux') return { display: undefined, stop: () => {} }
  if (!has('Xvfb')) {
    if (hasDisplay()) return { display: process.env.DISPLAY, stop: () => {} }
    throw new Error('there is neither a display nor Xvfb: run `node scripts/setup.mjs --tests`')
  }
  const options = ['-displayfd', '3', '-screen', '0', '1600x1600x24', '-nolisten', 'tcp', '-noreset', '-ac']
  const server = spawn('Xvfb', options, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
  const stop = () => server.kill('SIGTERM')
  process.once('exit', stop)
  const number = await new Promise((resolve, reject) => {
    let text = ''
    server.on('error', reject)
    server.on('exit', (code) => reject(new Error(`Xvfb ended with code ${code} before it was ready`)))
    server.stdio[3].on('data', (chunk) => {
      text += chunk
      if (text.includes('\n')) resolve(text.trim())
    })
  })
  return { display: `:${number}`, stop }
}
