import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt } from './lib/build.mjs'
import { root } from './lib/paths.mjs'
import { electronEnv, hasDisplay } from './lib/runtime.mjs'
import { setup } from './lib/setup.mjs'
import { importTypescript } from './lib/typescript.mjs'
import { startXvfb } from './lib/xvfb.mjs'

/** A benchmark is `bench/NAME.ts` with `export default async (args: string[]) => Figure[]`. */
const [name, ...args] = process.argv.slice(2)
const folder = join(root, 'bench')
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && existsSync(join(folder, file)))
  .map((file) => file.slice(0, -3))
if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run -s bench NAME\n  NAME: ${names.join(' ')}`)
  process.exit(2)
}
if (!(await setup({ quiet: true, forTests: true })) || !(await ensureBuilt())) process.exit(1)
Object.assign(process.env, electronEnv())
const screen = hasDisplay() ? undefined : await startXvfb()
if (screen?.display !== undefined) process.env.DISPLAY = screen.display

const { default: measure } = await importTypescript(`bench/${name}.ts`)
let missed = 0
for (const figure of (await measure(args)) ?? []) {
  process.stdout.write(`${JSON.stringify({ bench: name, ...figure })}\n`)
  if (figure.ok === false) missed += 1
}
screen?.stop()
process.exit(missed > 0 ? 1 : (process.exitCode ?? 0))
