import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, CommanderError } from 'commander'
import { addCalibrate } from './commands/calibrate'
import { addCatalog } from './commands/catalog'
import { addChat } from './commands/chat'
import { addDownloads } from './commands/downloads'
import { addFit } from './commands/fit'
import { addHardware } from './commands/hardware'
import { addInspect } from './commands/inspect'
import { addLibrary } from './commands/library'
import { addPrompt } from './commands/prompt'
import { addStart } from './commands/start'
import { exitCodes } from './output'
import { tellUsage } from './usage'
import { help } from './words'

// A reader that has seen enough, such as `head`, is no failure of ours.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(exitCodes.done)
  })

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string }
const titles: Record<string, string> = {
  'Usage:': help.titles.usage,
  'Arguments:': help.titles.arguments,
  'Options:': help.titles.options,
  'Commands:': help.titles.commands,
  'Global Options:': help.titles.everywhere,
}

/** `snug COMMAND …`: the services of the app without a window, in plain Node (DESIGN.md §10). */
const program = new Command('snug')
  .description(help.app)
  .version(version, '--version', help.version)
  .helpOption('-h, --help', help.help)
  .helpCommand('help [command]', help.helpOf)
  .option('--json', help.json)
  .option('--data <dir>', help.data)
  .enablePositionalOptions(false)
  .exitOverride()
  .configureHelp({ showGlobalOptions: true, styleTitle: (title) => titles[title] ?? title })
  .configureOutput({ writeErr: (text) => process.stderr.write(text), outputError: () => {} })

for (const add of [addHardware, addInspect, addFit, addPrompt, addChat, addDownloads, addLibrary, addCalibrate, addCatalog, addStart])
  add(program)

try {
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = tellUsage(
    error,
    process.argv.slice(2),
    program.commands.map((command) => command.name()),
  )
}
