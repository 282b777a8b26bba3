import { join } from 'node:path'
import { runtime } from '../e2e/fixtures/launch'
import { writeScriptedModel } from '../src/engine/scriptedModel'
import { Chats, type Turn } from './lib/chats'
import { atMost, type Figure, say } from './lib/report'
import { median, spread } from './lib/stats'

const historyTokens = 2_000
const answerTokens = 64
/** Tokens evaluated beyond those that had to be. */
const spareTokens = 32
const question = 'And what happens when the fog comes?'

/** A case that is measured once in each round, against the first turn of the same round. */
interface Case {
  name: string
  ratios: number[]
  surplus: number[]
  /** First differing position, and the tokens from there. */
  differs: string
}

/** What the cache saves: time to the first text of later turns against the first turn, which evaluates everything. */
export default async function secondTurn(args: string[]): Promise<Figure[]> {
  const rounds = Number(args[0] ?? 3)
  const { starterModel } = runtime()
  const figures: Figure[] = []
  if (starterModel === undefined) say('The starter model is not there: only the scripted one is measured.')
  else figures.push(...(await measured('starter', async () => starterModel, rounds)))
  // As slow as a small real model, so that what is evaluated rules the time.
  const scripted = async (folder: string) =>
    (await writeScriptedModel(join(folder, 'scripted.gguf'), { layers: 16, feedForwardLength: 3072, words: 20 })).path
  figures.push(...(await measured('thoughts dropped', scripted, rounds)))
  return figures
}

async function measured(label: string, modelIn: (folder: string) => Promise<string>, rounds: number): Promise<Figure[]> {
  const chats = new Chats()
  try {
    await chats.load(await modelIn(chats.folder))
    const cases: Case[] = []
    const add = async (name: string, first: Turn, cache: string, turn: Turn) => {
      const found = cases.find((one) => one.name === name) ?? { name, ratios: [], surplus: [], differs: '' }
      if (!cases.includes(found)) cases.push(found)
      const position = commonLength(cache, turn.prompt)
      const needed = await chats.tokens(turn.prompt.slice(position))
      const evaluated = turn.stats.promptTokens - turn.stats.cachedTokens
      found.ratios.push(turn.firstTextMs / first.firstTextMs)
      found.surplus.push(evaluated - needed)
      found.differs = `first difference at character ${position} of ${turn.prompt.length}, ${needed} tokens from there, ${evaluated} evaluated`
      say(`${label}, ${name}: ${turn.firstTextMs.toFixed(0)} of ${first.firstTextMs.toFixed(0)} ms; ${found.differs}`)
    }
    // What is read from disk or compiled once belongs to no turn.
    await chats.send(chats.open(8), 'Hello.')
    for (let round = 0; round < rounds; round++) {
      const id = chats.open(answerTokens)
      const first = await chats.send(id, await chats.longText(historyTokens, `${label} ${round}`))
      const second = await chats.send(id, question)
      await add('second turn', first, first.left, second)
      const again = await chats.again(id)
      await add('regenerated', first, second.left, again)
      await chats.send(chats.open(answerTokens), `Chat ${round}: what is a lamp?`)
      const back = await chats.send(id, `${question} Again?`)
      await add('another chat and back', first, again.left, back)
    }
    return cases.flatMap(({ name, ratios, surplus, differs }) => [
      atMost(`${label}, ${name}: time to first text / first turn's`, median(ratios), 0.15, { spread: spread(ratios) }),
      atMost(`${label}, ${name}: tokens evaluated beyond the needed`, Math.max(...surplus), spareTokens, { unit: 'tokens', note: differs }),
    ])
  } finally {
    await chats.close()
  }
}

function commonLength(a: string, b: string): number {
  let index = 0
  while (index < a.length && a[index] === b[index]) index++
  return index
}
