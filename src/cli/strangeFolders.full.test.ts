import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CliPlace, cliFile, snug } from '../../e2e/fixtures/cli'
import { type RunningHub, startHub } from '../../e2e/fixtures/hubServer'
import { writeScriptedModel } from '../engine/scriptedModel'

/** Row P3 of the fault matrix: home, data and models in folders with such names. */
const root = mkdtempSync(join(tmpdir(), 'snug-strange-'))
const model = join(root, 'model-F32.gguf')
const repository = 'maker/model-GGUF'
let hub: RunningHub
let sha256: string

beforeAll(async () => {
  if (!existsSync(cliFile)) throw new Error('The command line is not built: run `npm run build` first.')
  await writeScriptedModel(model)
  sha256 = hashOf(model)
  hub = await startHub({ repositories: { [repository]: { files: { 'model-F32.gguf': model } } } })
})
afterAll(async () => {
  await hub.close()
  rmSync(root, { recursive: true, force: true })
})

const hashOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

const names = [
  ['Chinese with a full-width space, Spanish, French', '张 庭 綱　ñ é'],
  ['accents in two letters each', 'n\u0303 e\u0301'],
  ['250 bytes', `${'模'.repeat(83)}x`],
  ['what a shell would take apart', `it's "a" $HOME & 100% #1;`],
  ['an end in a dot and a space', 'models. '],
  ['signs beyond sixteen bits', '😀 𠮷'],
]

test.each(names)('%s: download, load, chat, and all of it again', async (_name, name) => {
  const place: CliPlace = { folder: join(root, name ?? ''), endpoint: hub.endpoint }
  for (const run of ['first', 'second']) {
    hub.stats.storageBytes = 0
    const pulled = await snug(place, 'pull', repository)
    expect(pulled.code, pulled.err).toBe(0)
    const { path } = pulled.out as { path: string }
    expect(path.startsWith(place.folder)).toBe(true)
    expect(hashOf(path)).toBe(sha256)
    expect(hub.stats.storageBytes > 0).toBe(run === 'first')
    expect((await snug(place, 'list')).out).toMatchObject([{ path, state: 'verified' }])
    const said = await snug(place, 'chat', '--model', path, '--prompt', 'hello', '--max-tokens', '12')
    expect(said.code, said.err).toBe(0)
  }
})

/** An ordinary user, whatever this test runs as: root may write everywhere. */
const nobody = process.getuid?.() === 0 ? 65_534 : undefined
const canBeNobody = nobody === undefined || spawnSync(process.execPath, [cliFile, '--help'], { uid: nobody, gid: nobody }).status === 0

test.skipIf(process.platform === 'win32' || !canBeNobody)(
  'a folder that may not be written to is said by its path, and another one is taken',
  async () => {
    const folder = join(root, 'permissions')
    mkdirSync(folder)
    const locked = join(folder, 'read only')
    mkdirSync(locked)
    if (nobody !== undefined) {
      chmodSync(root, 0o755)
      execFileSync('chown', ['-R', `${nobody}:${nobody}`, folder])
    }
    chmodSync(locked, 0o555)
    const place: CliPlace = { folder, endpoint: hub.endpoint, ...(nobody === undefined ? {} : { uid: nobody }) }
    execFileSync('mkdir', ['-p', join(folder, 'home')], nobody === undefined ? {} : { uid: nobody, gid: nobody })
    // `/usr` belongs to another user.
    for (const to of [locked, '/usr']) {
      const { code, error } = await snug(place, 'pull', repository, '--to', to)
      expect([code, error?.code]).toEqual([1, 'file/not-permitted'])
      expect(String(error?.data.path)).toContain(to)
    }
    expect((await snug(place, 'list')).out).toEqual([])
    const { code, err, out } = await snug(place, 'pull', repository, '--to', join(folder, 'mine'))
    expect(code, err).toBe(0)
    expect(hashOf((out as { path: string }).path)).toBe(sha256)
    chmodSync(locked, 0o755)
  },
)
