import type { CommanderError } from 'commander'
import { exitCodes } from './output'
import { words } from './words'

const { wrong, didYouMean, help } = words.cli
type Wrong = keyof typeof wrong

function isWrong(key: string): key is Wrong {
  return Object.hasOwn(wrong, key)
}

/** What commander says in English, as a sentence of ours: `error: unknown option '--temprature' (Did you mean --temperature?)`. */
export function usageSentence({ code, message }: Pick<CommanderError, 'code' | 'message'>): string {
  const key = code.replace(/^commander\./, '')
  if (!isWrong(key)) return message.replace(/^error: /, '')
  const names = [...message.matchAll(/'([^']*)'/g)].map(([, name]) => name ?? '')
  // Of a value the option is named first, of an argument of a command last.
  const name = (message.includes("for argument '") ? names.at(-1) : names[0]) ?? ''
  const reason = /is invalid[^.]*\. (.*)$/s.exec(message)?.[1] ?? ''
  const suggestion = /\(Did you mean (?:one of )?(.*)\?\)/.exec(message)?.[1]
  return `${wrong[key]({ name, reason })}${suggestion === undefined ? '' : didYouMean({ name: suggestion })}`
}

/** Says it on stderr, under `--json` as the line that failures end with, and gives the exit code. */
export function tellUsage(error: CommanderError, args: readonly string[], commands: readonly string[]): number {
  if (error.exitCode === 0) return exitCodes.done
  // Without any command commander has shown the help by itself.
  if (error.code === 'commander.help') return exitCodes.usage
  const sentence = usageSentence(error)
  if (args.includes('--json')) {
    const value = { code: 'usage/invalid', message: error.message.replace(/^error: /, ''), data: { exit: 'usage' } }
    process.stderr.write(`${JSON.stringify({ error: value })}\n`)
    return exitCodes.usage
  }
  const command = args.find((arg) => commands.includes(arg))
  const more = help.hint({ command: command === undefined ? 'snug' : `snug ${command}` })
  process.stderr.write(`${words.cli.failed({ title: sentence, detail: '', action: more })}\n`)
  return exitCodes.usage
}
