import { ensureBuilt } from './lib/build.mjs'
import { setup } from './lib/setup.mjs'

const ready = (await setup({ quiet: true })) && (await ensureBuilt({ force: true }))
process.exit(ready ? 0 : 1)
