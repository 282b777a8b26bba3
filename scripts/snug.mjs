import { join } from 'node:path'
import { ensureBuilt } from './lib/build.mjs'
import { root } from './lib/paths.mjs'
import { replaceBy } from './lib/run.mjs'
import { setup } from './lib/setup.mjs'

// What this prints goes to stderr: stdout belongs to the command.
if (!(await setup({ quiet: true })) || !(await ensureBuilt())) process.exit(1)
await replaceBy(process.execPath, [join(root, 'out/main/cli.js'), ...process.argv.slice(2)])
