/** A failure that a person can act on: what went wrong, and what to do. */
export class SetupError extends Error {
  constructor(message, advice, options) {
    super(message, options)
    this.advice = advice
  }
}

/** Set-up speaks on stderr: stdout belongs to the command that it prepares. */
export function say(text) {
  process.stderr.write(`${text}\n`)
}

export function seconds(ms) {
  if (ms < 950) return `${(ms / 1000).toFixed(1)} s`
  return ms < 90_000 ? `${Math.round(ms / 1000)} s` : `${(ms / 60_000).toFixed(1)} min`
}

export function printPlan(steps) {
  const megabytes = steps.reduce((sum, step) => sum + step.megabytes, 0)
  const minutes = steps.reduce((sum, step) => sum + step.minutes, 0)
  say(`Setting up Snug: ${steps.length} ${steps.length === 1 ? 'step' : 'steps'}, about ${megabytes} MB to fetch, ${minuteText(minutes)}.`)
  steps.forEach((step, index) => {
    const size = step.megabytes > 0 ? `${step.megabytes} MB, ` : ''
    say(`  ${index + 1}. ${step.title}: ${step.what} (${size}${minuteText(step.minutes)})`)
  })
}

function minuteText(minutes) {
  return minutes < 1 ? `${Math.max(1, Math.round(minutes * 60))} s` : `${minutes.toFixed(minutes < 10 ? 1 : 0)} min`
}

export function printFailure(title, error) {
  say(`\nSet-up stopped at "${title}": ${error.message}`)
  if (error.advice) say(`What to do: ${error.advice}`)
  else if (process.env.SNUG_DEBUG && error.stack) say(error.stack)
  say('Then run the same command again: it goes on where it stopped.')
}
