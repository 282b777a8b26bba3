import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { freshCache, launchSnug, runtime } from '../e2e/fixtures/launch'
import { addScripted, newChat } from '../e2e/fixtures/models'
import { type BareLoop, startBareLoop } from './lib/bareLoop'
import type { BareAnswer } from './lib/bareLoop.child'
import { loadModel, openChat, paintedReply } from './lib/appReplies'
import { renderPrompt, startAutomaticEngine } from './lib/engine'
import { llamaBench } from './lib/llamaBench'
import { atLeast, type Figure, say, shown } from './lib/report'
import { median, ratios, spread } from './lib/stats'

interface Subject {
  label: string
  path: string
  tokens: number
}

const prompt = 'Write a very long story about a small lighthouse and the people who keep it. Tell it chapter by chapter.'
/** A configuration that collapses is told, not waited for. */
const patienceMs = 10_000

/** How much of llama.cpp's speed arrives: through the whole app, and with our automatic settings. `[PAIRS] [app | settings]` */
export default async function throughput(args: string[]): Promise<Figure[]> {
  const pairs = Number(args[0] ?? 5)
  const part = args[1] ?? 'all'
  const dataDir = mkdtempSync(join(tmpdir(), 'snug-bench-'))
  const cacheDir = freshCache(true)
  const figures: Figure[] = []
  try {
    // Wide enough for some hundred tokens a second: faster than any model that says something.
    await addScripted(dataDir, 'Scripted bench', { loop: true, thinking: false, layers: 8, feedForwardLength: 1024 })
    const subjects: Subject[] = [{ label: 'scripted', path: join(dataDir, 'models', 'Scripted-bench.gguf'), tokens: 1024 }]
    const { starterModel } = runtime()
    if (starterModel !== undefined) subjects.push({ label: 'starter', path: starterModel, tokens: 256 })
    else say('The starter model is not there: only the scripted one is measured.')
    if (part !== 'settings') for (const subject of subjects) figures.push(...(await wholeApp({ dataDir, cacheDir }, subject, pairs)))
    const last = subjects.at(-1)
    if (part !== 'app' && last !== undefined) figures.push(...(await settings(last, pairs)))
    return figures
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
    rmSync(cacheDir, { recursive: true, force: true })
  }
}

/** Engine process, contract and page against bare loops over the same file, prompt and sizes, in turn; the fastest thread count counts. */
async function wholeApp(
  folders: { dataDir: string; cacheDir: string },
  { label, path, tokens }: Subject,
  pairs: number,
): Promise<Figure[]> {
  const engine = await startAutomaticEngine(path, await renderPrompt(path, prompt))
  await engine.stop()
  const { threads, contextSize, batchSize } = engine
  const app = await launchSnug(folders)
  const counts = upTo(threads)
  const bare: BareLoop[] = []
  try {
    await newChat(app.page)
    await loadModel(app.page, basename(path))
    const chat = await openChat(app.page, prompt, tokens)
    for (const count of counts) bare.push(await startBareLoop({ path, contextSize, batchSize, threads: count, poolSize: 1 }))
    const ours: number[] = []
    const theirs = counts.map((): number[] => [])
    for (let pair = 0; pair <= pairs; pair++) {
      const reply = await paintedReply(app.page, chat)
      const { evalTokens, promptTokens, evalTokensPerSecond } = reply.stats
      const answers: BareAnswer[] = []
      for (const loop of bare) answers.push(await loop.run(chat.prompt, evalTokens, patienceMs))
      const whole = answers.filter((answer) => answer.tokens === evalTokens)
      const different = whole.some((answer) => answer.promptTokens !== promptTokens || answer.text.trim() !== reply.text.trim())
      if (different) say(`${label}: the replies differ`)
      const rates = answers.map((answer) => `${answer.tokensPerSecond.toFixed(1)}${answer.tokens < evalTokens ? ' (given up)' : ''}`)
      say(
        `${label} ${pair}: page ${reply.tokensPerSecond.toFixed(1)} (${reply.paints} paints; engine ${evalTokensPerSecond.toFixed(1)}), bare ${rates.join(', ')} tokens/s`,
      )
      // The first of each side warms up.
      if (pair === 0) continue
      ours.push(reply.tokensPerSecond)
      for (const [index, answer] of answers.entries()) theirs[index]?.push(answer.tokensPerSecond)
    }
    const best = bestOf(theirs)
    const ratio = ratios(ours, theirs[best] ?? [])
    const note = `${basename(path)}, ${counts[best]} threads, ${tokens} tokens, ${pairs} pairs`
    return [
      atLeast(`${label}: whole app, at paint / bare evaluate loop`, ratio.median, 0.97, { spread: ratio.spread, note }),
      shown(`${label}: whole app, at paint`, median(ours), { unit: 'tokens/s', spread: spread(ours) }),
    ]
  } finally {
    for (const loop of bare) loop.stop()
    await app.close()
  }
}

function upTo(threads: number): number[] {
  return Array.from({ length: threads }, (_, index) => index + 1)
}

/** Index of the fastest: on busy cores a loop with all of them collapses, and to be faster than that proves nothing. */
function bestOf(rates: readonly number[][]): number {
  const medians = rates.map((list) => median(list))
  return medians.indexOf(Math.max(...medians))
}

/** Every automatic setting against each thread count by hand, llama.cpp's own benchmark, and node-llama-cpp's defaults. */
async function settings({ label, path }: Subject, rounds: number): Promise<Figure[]> {
  const tokens = 128
  const rendered = await renderPrompt(path, prompt)
  const engine = await startAutomaticEngine(path, rendered)
  const { contextSize, batchSize } = engine
  const counts = upTo(engine.threads)
  const bare: BareLoop[] = []
  try {
    for (const threads of counts) bare.push(await startBareLoop({ path, contextSize, batchSize, threads, poolSize: 1 }))
    const bench = await llamaBench()
    if (typeof bench === 'string') say(`No comparison with llama-bench: ${bench}.`)
    const automatic: number[] = []
    const byHand = counts.map((): number[] => [])
    const ofBench = counts.map((): number[] => [])
    await engine.decode(tokens)
    for (let round = 0; round < rounds; round++) {
      automatic.push(await engine.decode(tokens))
      let depth = 0
      for (const [index, loop] of bare.entries()) {
        const answer = await loop.run(rendered.text, tokens, patienceMs)
        depth = answer.promptTokens
        byHand[index]?.push(answer.tokensPerSecond)
      }
      if (typeof bench !== 'string')
        for (const [index, threads] of counts.entries()) ofBench[index]?.push(await bench.decode(path, { threads, tokens, depth }))
      const last = (rates: number[][]) => rates.map((list) => list.at(-1)?.toFixed(1) ?? '-').join(' ')
      say(`${label} ${round}: automatic ${automatic.at(-1)?.toFixed(1)}, by hand ${last(byHand)}, llama-bench ${last(ofBench)} tokens/s`)
    }
    const against = (rates: number[][]) => {
      const best = bestOf(rates)
      return { threads: counts[best] ?? 0, ...ratios(automatic, rates[best] ?? []) }
    }
    const hand = against(byHand)
    const figures = [
      atLeast(`${label}: automatic settings / best of 1…${counts.length} threads`, hand.median, 0.9, {
        spread: hand.spread,
        note: `best: ${hand.threads} threads; by hand ${byHand.map((list) => median(list).toFixed(1)).join(', ')} tokens/s`,
      }),
      shown(`${label}: automatic settings`, median(automatic), { unit: 'tokens/s', spread: spread(automatic) }),
    ]
    if (typeof bench !== 'string') {
      const own = against(ofBench)
      figures.push(
        atLeast(`${label}: automatic settings / llama-bench at its best thread count`, own.median, 0.9, {
          spread: own.spread,
          note: `llama.cpp ${bench.version}, best: ${own.threads} threads; ${ofBench.map((list) => median(list).toFixed(1)).join(', ')} tokens/s`,
        }),
      )
    }
    for (const loop of bare.splice(0)) loop.stop()
    const defaults = await startBareLoop({ path, contextSize, batchSize, threads: null, poolSize: null })
    bare.push(defaults)
    const { tokensPerSecond, tokens: said } = await defaults.run(rendered.text, tokens, patienceMs)
    figures.push(shown(`${label}: bare loop with node-llama-cpp's defaults`, tokensPerSecond, { unit: 'tokens/s', note: `${said} tokens` }))
    return figures
  } finally {
    for (const loop of bare) loop.stop()
    await engine.stop()
  }
}
