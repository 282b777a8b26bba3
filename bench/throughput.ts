import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { freshCache, launchSnug, runtime } from '../e2e/fixtures/launch'
import { addScripted, newChat } from '../e2e/fixtures/models'
import { startBareLoop } from './lib/bareLoop'
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
/** Of replies, app and bare loop in turn, after one that warms up. */
const pairsPerLoad = 2

/** How much of llama.cpp's speed arrives: through the whole app, and with our automatic settings. `[LOADS] [app | settings]` */
export default async function throughput(args: string[]): Promise<Figure[]> {
  const loads = Number(args[0] ?? 4)
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
    if (part !== 'settings') for (const subject of subjects) figures.push(...(await wholeApp({ dataDir, cacheDir }, subject, loads)))
    const last = subjects.at(-1)
    if (part !== 'app' && last !== undefined) figures.push(...(await settings(last, loads)))
    return figures
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
    rmSync(cacheDir, { recursive: true, force: true })
  }
}

/**
 * Engine process, contract and page against a bare loop with the same file, prompt, sizes and threads, in turn. Both are loaded anew
 * several times: where the memory of a process comes to lie makes up to a tenth of its speed, for as long as it lives.
 */
async function wholeApp(
  folders: { dataDir: string; cacheDir: string },
  { label, path, tokens }: Subject,
  loads: number,
): Promise<Figure[]> {
  const engine = await startAutomaticEngine(path, await renderPrompt(path, prompt))
  await engine.stop()
  const { contextSize, batchSize } = engine
  const app = await launchSnug(folders)
  const figures: Figure[] = []
  try {
    await newChat(app.page)
    // All cores but the one on which the window is drawn; on a machine of two cores both are shown.
    const spare = Math.max(1, engine.threads - 1)
    for (const threads of new Set([spare, engine.threads])) {
      const ours: number[] = []
      const theirs: number[] = []
      for (let load = 0; load < loads; load++) {
        await loadModel(app.page, basename(path), { threads })
        const chat = await openChat(app.page, prompt, tokens)
        const bare = await startBareLoop({ path, contextSize, batchSize, threads, poolSize: 1 })
        try {
          for (let pair = 0; pair <= pairsPerLoad; pair++) {
            const reply = await paintedReply(app.page, chat)
            const { evalTokens, promptTokens, evalTokensPerSecond } = reply.stats
            const answer = await bare.run(chat.prompt, evalTokens, patienceMs)
            if (answer.tokens < evalTokens) say(`${label}: the bare loop was given up after ${answer.tokens} tokens`)
            else if (answer.promptTokens !== promptTokens || answer.text.trim() !== reply.text.trim()) say(`${label}: the replies differ`)
            say(
              `${label}, ${threads} threads, load ${load}, pair ${pair}: page ${reply.tokensPerSecond.toFixed(1)} (${reply.paints} paints; engine ${evalTokensPerSecond.toFixed(1)}), bare ${answer.tokensPerSecond.toFixed(1)} tokens/s`,
            )
            // The first of each side warms up.
            if (pair === 0) continue
            ours.push(reply.tokensPerSecond)
            theirs.push(answer.tokensPerSecond)
          }
        } finally {
          bare.stop()
        }
      }
      const ratio = ratios(ours, theirs)
      const note = `${basename(path)}, ${threads} threads on both sides, ${tokens} tokens, ${loads} loads, ${loads * pairsPerLoad} pairs`
      const name = `${label}: whole app, at paint / bare evaluate loop`
      figures.push(
        threads === spare
          ? atLeast(name, ratio.median, 0.97, { spread: ratio.spread, note })
          : shown(`${name}, no core left for the window`, ratio.median, { unit: 'ratio', spread: ratio.spread, note }),
        shown(`${label}: whole app, at paint, ${threads} threads`, median(ours), { unit: 'tokens/s', spread: spread(ours) }),
      )
    }
    return figures
  } finally {
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
  const bench = await llamaBench()
  if (typeof bench === 'string') say(`No comparison with llama-bench: ${bench}.`)
  const automatic: number[] = []
  let sizes = { contextSize: 0, batchSize: 0 }
  let counts: number[] = []
  const byHand: number[][] = []
  const ofBench: number[][] = []
  // Each side is loaded anew in each round, as llama-bench is: where its memory comes to lie is a part of what is measured.
  for (let round = 0; round < rounds; round++) {
    const engine = await startAutomaticEngine(path, rendered)
    sizes = { contextSize: engine.contextSize, batchSize: engine.batchSize }
    counts = upTo(engine.threads)
    await engine.decode(tokens)
    automatic.push(await engine.decode(tokens))
    await engine.stop()
    for (const [index, threads] of counts.entries()) {
      const loop = await startBareLoop({ path, ...sizes, threads, poolSize: 1 })
      await loop.run(rendered.text, tokens, patienceMs)
      const answer = await loop.run(rendered.text, tokens, patienceMs)
      loop.stop()
      ;(byHand[index] ??= []).push(answer.tokensPerSecond)
      if (typeof bench !== 'string') (ofBench[index] ??= []).push(await bench.decode(path, { threads, tokens, depth: answer.promptTokens }))
    }
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
  const defaults = await startBareLoop({ path, ...sizes, threads: null, poolSize: null })
  const { tokensPerSecond, tokens: said } = await defaults.run(rendered.text, tokens, patienceMs)
  defaults.stop()
  figures.push(shown(`${label}: bare loop with node-llama-cpp's defaults`, tokensPerSecond, { unit: 'tokens/s', note: `${said} tokens` }))
  return figures
}
