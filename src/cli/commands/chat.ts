import { basename, join } from 'node:path'
import { tmpdir } from 'node:os'
import { mkdtemp, rm } from 'node:fs/promises'
import type { Command } from 'commander'
import type { PromptMessage } from '@shared/domain/chat'
import type { Backend } from '@shared/domain/hardware'
import { recommendedSystem } from '@shared/domain/starter'
import { SnugError } from '@shared/errors'
import { ChatSession } from '../chatSession'
import { converse } from '../converse'
import { usageError } from '../failure'
import { readMessages } from '../messagesFile'
import { decimal, gpuLayers, integer, kvCacheType, thinking } from '../options'
import { exitCodes } from '../output'
import { createPrinter } from '../printer'
import { type Run, command } from '../run'
import type { ThinkingChoice } from '@shared/domain/thinking'
import type { KvCacheType } from '@shared/domain/gguf'
import { help } from '../words'

export interface ChatFlags {
  model?: string
  system?: string
  prompt?: string
  messages?: string
  temperature?: number
  topP?: number
  topK?: number
  minP?: number
  seed?: number
  maxTokens?: number
  thinking?: ThinkingChoice
  budget?: number
  stream: boolean
  context?: number
  gpuLayers?: number | 'max' | 'auto'
  kv?: KvCacheType
  cpu?: boolean
  threads?: number
  engineCheck?: boolean
}

export function addChat(program: Command): void {
  program
    .command('chat')
    .description(help.commands.chat)
    .option('--model <file>', help.fileOrStarter)
    .option('--system <text>', help.system)
    .option('--prompt <text>', help.prompt)
    .option('--messages <file>', help.messagesAnswer)
    .option('--temperature <t>', help.temperature, decimal(0, 10))
    .option('--top-p <p>', help.topP, decimal(0, 1))
    .option('--top-k <k>', help.topK, integer(0, 1_000_000))
    .option('--min-p <p>', help.minP, decimal(0, 1))
    .option('--seed <n>', help.seed, integer(0, 4_294_967_295))
    .option('--max-tokens <n>', help.maxTokens, integer(1))
    .option('--thinking <on|off|level>', help.thinking, thinking)
    .option('--budget <tokens>', help.budget, integer(0))
    .option('--no-stream', help.noStream)
    .option('--context <n>', help.context, integer(256))
    .option('--gpu-layers <n|max|auto>', help.gpuLayers, gpuLayers)
    .option('--kv <type>', help.kv, kvCacheType)
    .option('--cpu', help.cpu)
    .option('--threads <n>', help.threads, integer(1, 512))
    .option('--engine-check', help.engineCheck)
    .action(command(async (run: Run, flags: ChatFlags) => (flags.engineCheck ? engineCheck(run) : chat(run, flags))))
}

async function engineCheck({ core, out }: Run): Promise<number> {
  const report = await core.hardware.report({ fresh: true })
  const folder = await mkdtemp(join(tmpdir(), 'snug-check-'))
  try {
    const results: { backend: Backend; ok: boolean; detail: string; tokensPerSecond: number }[] = []
    for (const { backend, state, detail } of report.backends) {
      const tried =
        state === 'works' ? await core.probes.check(backend, folder) : { ok: false, detail: detail ?? state, tokensPerSecond: 0 }
      results.push({ backend, ...tried })
    }
    out.result(results, () =>
      results
        .map(({ backend, ok, detail, tokensPerSecond }) =>
          ok
            ? out.words.cli.engineCheckOk({ backend, rate: tokensPerSecond.toFixed(1) })
            : out.words.cli.engineCheckBad({ backend, detail }),
        )
        .join('\n'),
    )
    return results.some((result) => result.ok) ? exitCodes.done : exitCodes.failed
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function chat({ core, out, signal }: Run, flags: ChatFlags): Promise<number | void> {
  if (flags.prompt !== undefined && flags.messages !== undefined) throw usageError('promptOrMessages')
  const messages: PromptMessage[] = flags.messages === undefined ? [] : await readMessages(flags.messages)
  if (flags.system !== undefined) messages.unshift({ role: 'system', content: flags.system })
  if (flags.prompt !== undefined) messages.push({ role: 'user', content: flags.prompt })

  const file = flags.model ?? (await core.starterModel())
  if (file === null) throw new SnugError('model/not-found', out.words.cli.noStarter)
  const wishes = {
    contextSize: flags.context ?? null,
    gpuLayers: flags.gpuLayers === 'auto' ? null : (flags.gpuLayers ?? null),
    kvCacheType: flags.kv ?? null,
    cpuOnly: flags.cpu === true,
    threads: flags.threads ?? null,
  }
  const session = await ChatSession.open(core, file, wishes, messages, signal, (fraction) =>
    out.progress(out.words.cli.loading({ name: basename(file), percent: Math.round(fraction * 100) })),
  )
  // A messages file is taken as it is; a bare prompt gets what the model is best used with.
  const preset = flags.messages === undefined && flags.system === undefined ? recommendedSystem(session.facts) : null
  if (preset !== null) messages.unshift({ role: 'system', content: preset })
  const choice: ThinkingChoice = flags.thinking ?? { mode: 'default' }
  const options = {
    sampling: {
      ...(flags.temperature === undefined ? {} : { temperature: flags.temperature }),
      ...(flags.topP === undefined ? {} : { topP: flags.topP }),
      ...(flags.topK === undefined ? {} : { topK: flags.topK }),
      ...(flags.minP === undefined ? {} : { minP: flags.minP }),
      ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    },
    thinking: choice.mode === 'off' || flags.budget === undefined ? choice : { ...choice, budgetTokens: flags.budget },
    maxTokens: flags.maxTokens ?? null,
  }
  const printer = createPrinter(out, flags.stream)
  if (flags.prompt === undefined && flags.messages === undefined) return converse({ session, messages, options, out, printer, signal })
  const { answer, thought, stats, fallback } = await session.answer(messages, options, signal, printer.event)
  printer.end({ answer, thought, stats, fallback })
  return stats.stopReason === 'stopped' ? exitCodes.interrupted : exitCodes.done
}
