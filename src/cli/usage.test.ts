import { expect, it, vi } from 'vitest'

async function sentence(locale: string, code: string, message: string): Promise<string> {
  vi.resetModules()
  for (const name of ['LC_ALL', 'LC_MESSAGES']) vi.stubEnv(name, '')
  vi.stubEnv('LANG', locale)
  const { usageSentence } = await import('./usage')
  return usageSentence({ code: `commander.${code}`, message })
}

/** As commander 14 writes them (lib/command.js); the version is pinned. */
const said: [code: string, message: string, english: string, chinese: string][] = [
  [
    'unknownOption',
    "error: unknown option '--temprature'\n(Did you mean --temperature?)",
    'unknown option --temprature (did you mean --temperature?)',
    '没有 --temprature 这个选项（是不是 --temperature？）',
  ],
  ['unknownCommand', "error: unknown command 'foo'", 'unknown command foo', '没有 foo 这个命令'],
  ['missingArgument', "error: missing required argument 'file'", 'file is missing', '缺少 file'],
  ['optionMissingArgument', "error: option '--seed <n>' argument missing", '--seed <n> needs a value', '--seed <n> 后面要有一个值'],
  [
    'missingMandatoryOptionValue',
    "error: required option '--messages <file>' not specified",
    '--messages <file> is needed',
    '需要 --messages <file>',
  ],
  ['excessArguments', "error: too many arguments for 'list'. Expected 0 arguments but got 1.", 'too many arguments', '参数太多'],
  ['invalidArgument', "error: option '--seed <n>' argument 'x' is invalid. why", '--seed <n>: why', '--seed <n>：why'],
]

it.each(said)('%s in both languages', async (code, message, english, chinese) => {
  expect(await sentence('en_US.UTF-8', code, message)).toBe(english)
  expect(await sentence('zh_CN.UTF-8', code, message)).toBe(chinese)
})
