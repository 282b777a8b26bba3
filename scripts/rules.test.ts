import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const empty = 'export const nothing = 0\nexport type Nothing = 0\n'

/** Files that a violation may point at; alone they break no rule. */
const innocent: Record<string, string> = {
  'src/shared/errors.ts': empty,
  'src/shared/domain/units.ts': empty,
  'src/shared/domain/fine.ts': "import { nothing } from './units'\nexport const fine = nothing\n",
  'src/shared/ipc/contract.ts': "import { z } from 'zod'\nexport const nothing = z\nexport type Nothing = 0\n",
  'src/engine/client.ts': empty,
  'src/engine/llamaRunner.ts': "import { getLlama } from 'node-llama-cpp'\nexport const nothing = getLlama\n",
  'src/main/services/fine.ts': "import { nothing } from '../../engine/client'\nexport const fine = nothing\n",
  'src/main/db/open.ts': "import Database from 'better-sqlite3'\nexport const nothing = Database\n",
  'src/main/platform/network.ts': "import { request } from 'node:https'\nexport const nothing = request\n",
  'src/renderer/features/chat/index.ts': "export { nothing } from './inside'\n",
  'src/renderer/features/chat/inside.ts': empty,
  'src/renderer/features/library/fine.ts': "import { nothing } from '../chat'\nexport const fine = nothing\n",
  'src/renderer/lib/fine.ts': "import type { Nothing } from '../../shared/ipc/contract'\nexport type Fine = Nothing\n",
}

/** One planted violation for each rule: [rule, file, what it imports]. */
const planted: [rule: string, file: string, source: string][] = [
  ['domain-is-pure', 'src/shared/domain/bad.ts', "import { nothing } from '../errors'"],
  ['domain-is-pure', 'src/shared/domain/badType.ts', "import type { Nothing } from '../errors'"],
  ['shared-runs-anywhere', 'src/shared/badElectron.ts', "import { nothing } from '../engine/client'"],
  ['shared-has-no-core', 'src/shared/badCore.ts', "import { readFileSync as nothing } from 'node:fs'"],
  ['engine-has-no-electron', 'src/engine/badElectron.ts', "import { app as nothing } from 'electron'"],
  ['engine-has-no-electron', 'src/engine/badNet.ts', "import { request as nothing } from 'node:https'"],
  ['services-have-no-electron', 'src/main/services/badElectron.ts', "import { app as nothing } from 'electron'"],
  ['services-have-no-electron', 'src/cli/badElectron.ts', "import { app as nothing } from 'electron'"],
  ['main-speaks-protocol', 'src/main/services/badEngine.ts', "import { nothing } from '../../engine/llamaRunner'"],
  ['one-owner-llama', 'src/main/services/badLlama.ts', "import { getLlama as nothing } from 'node-llama-cpp'"],
  ['one-owner-sqlite', 'src/main/services/badSqlite.ts', "import nothing from 'better-sqlite3'"],
  ['one-owner-network', 'src/main/services/badNet.ts', "import { connect as nothing } from 'node:net'"],
  ['renderer-is-a-web-page', 'src/renderer/lib/badZod.ts', "import { z as nothing } from 'zod'"],
  ['renderer-is-a-web-page', 'src/renderer/lib/badMain.ts', "import { nothing } from '../../main/db/open'"],
  ['renderer-has-no-core', 'src/renderer/lib/badCore.ts', "import { join as nothing } from 'node:path'"],
  ['renderer-takes-types-only', 'src/renderer/lib/badContract.ts', "import { nothing } from '../../shared/ipc/contract'"],
  ['renderer-takes-types-only', 'src/renderer/lib/badAlias.ts', "import { nothing } from '@shared/ipc/contract'"],
  ['features-are-islands', 'src/renderer/features/library/bad.ts', "import { nothing } from '../chat/inside'"],
  ['features-are-islands-from-outside', 'src/renderer/app/bad.ts', "import { nothing } from '../features/chat/inside'"],
  ['no-circular', 'src/main/services/circleA.ts', "import { nothing } from './circleB'"],
]

interface Cruise {
  summary: { violations: { from: string; rule: { name: string } }[] }
}

let folder = ''
let violations: Cruise['summary']['violations'] = []

function write(file: string, text: string): void {
  const path = join(folder, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

describe('dependency rules', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'snug-rules-'))
    for (const [file, text] of Object.entries(innocent)) write(file, text)
    for (const [, file, source] of planted) {
      const isType = source.startsWith('import type')
      write(file, isType ? `${source}\nexport type Bad = Nothing\n` : `${source}\nexport const bad = nothing\n`)
    }
    write('src/main/services/circleB.ts', "import { bad } from './circleA'\nexport const nothing = bad\n")
    for (const name of ['.dependency-cruiser.mjs', 'tsconfig.json', 'package.json']) cpSync(join(root, name), join(folder, name))
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
    const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs')
    const options = ['--config', '.dependency-cruiser.mjs', '--no-cache', '--output-type', 'json', 'src']
    const { stdout } = await promisify(execFile)(process.execPath, [cruiser, ...options], { cwd: folder, maxBuffer: 1 << 26 })
    violations = (JSON.parse(stdout) as Cruise).summary.violations
  })

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it.each(planted)('%s fires on %s', (rule, file) => {
    expect(violations.filter((violation) => violation.from === file).map((violation) => violation.rule.name)).toContain(rule)
  })

  it('leaves files alone that keep to the rules', () => {
    expect(violations.filter((violation) => violation.from in innocent)).toEqual([])
  })

  it('has a planted violation for every rule', async () => {
    const { default: config } = (await import(join(root, '.dependency-cruiser.mjs'))) as { default: { forbidden: { name: string }[] } }
    expect(config.forbidden.map((rule) => rule.name).filter((name) => !planted.some(([rule]) => rule === name))).toEqual([])
  })
})
