import { Command, CommanderError } from 'commander'
import { addCalibrate } from './commands/calibrate'
import { addChat } from './commands/chat'
import { addDownloads } from './commands/downloads'
import { addFit } from './commands/fit'
import { addHardware } from './commands/hardware'
import { addInspect } from './commands/inspect'
import { addLibrary } from './commands/library'
import { addPrompt } from './commands/prompt'
import { addStart } from './commands/start'
import { exitCodes } from './output'

/** `snug COMMAND …`: the services of the app without a window, in plain Node (DESIGN.md §10). */
const program = new Command('snug')
  .description('Runs local models that fit.')
  .option('--json', 'one JSON document on stdout (chat: one line per event)')
  .option('--data <dir>', 'data folder (SNUG_DATA)')
  .enablePositionalOptions(false)
  .exitOverride()
  .configureOutput({ writeErr: (text) => process.stderr.write(text) })

for (const add of [addHardware, addInspect, addFit, addPrompt, addChat, addDownloads, addLibrary, addCalibrate, addStart]) add(program)

try {
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage
}
