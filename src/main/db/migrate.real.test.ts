import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { backupsIn } from './backup'
import { type Migration, migrations } from './migrate'
import { configure, openDatabase } from './open'
import { testConversation } from './testConversation'

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'snug 迁移 '))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

test('each migration keeps the rows of the version before, after a backup', () => {
  for (const { version } of migrations.slice(1)) {
    const dir = join(dataDir, `from ${version - 1}`)
    const old = openDatabaseAt(dir, version - 1)
    old.prepare("INSERT INTO settings VALUES ('theme', '\"dark\"')").run()
    old
      .prepare(`INSERT INTO models (id, path, sizeBytes, mtimeMs, origin, state, addedAt) VALUES ('a', '/a', 1, 1, 'added', 'own', 1)`)
      .run()
    old.close()
    const db = openDatabase({ dataDir: dir })
    expect(db.settings.all().get('theme')).toBe('"dark"')
    expect(db.models.get('a')).toMatchObject({ path: '/a' })
    db.conversations.save(testConversation('c1'))
    db.drafts.put('c1', 'kept')
    db.close()
    const backup = backupsIn(join(dir, 'backups')).find(({ path }) => path.endsWith(`-v${version - 1}.db`))
    const kept = new Database(backup?.path ?? '', { readonly: true })
    expect(kept.pragma('user_version', { simple: true })).toBe(version - 1)
    expect(kept.prepare('SELECT count(*) AS n FROM models').get()).toEqual({ n: 1 })
    kept.close()
    // One for all steps: as many as there are would push older ones out.
    expect(backupsIn(join(dir, 'backups'))).toHaveLength(1)
  }
})

/** A file as an older build left it: made by its steps alone. */
function openDatabaseAt(dir: string, version: number) {
  mkdirSync(dir)
  const raw = new Database(join(dir, 'snug.db'))
  configure(raw)
  for (const step of migrations.filter((known) => known.version <= version)) {
    step.up(raw)
    raw.pragma(`user_version = ${step.version}`)
  }
  return raw
}

test('a measured speed without its plan goes; samples, which have theirs, begin those of their plans', () => {
  const dir = join(dataDir, 'speeds')
  const old = openDatabaseAt(dir, 8)
  old.prepare(`INSERT INTO measuredSpeeds (modelId, decode, prefill, replies, at) VALUES ('a', 42.5, NULL, 1, 7)`).run()
  const sample = old.prepare(
    `INSERT INTO speedSamples (key, modelId, backend, gpuLayers, totalLayers, threads, contextSize, kvCacheType, mixture, depth, decode,
       decodePredicted, prefill, prefillPredicted, at) VALUES (?, 'b', 'cuda', ?, 33, 8, 8192, 'f16', 0, 500, ?, 50, ?, 900, ?)`,
  )
  sample.run('old@1+cpu@1', 33, 5, 100, 1)
  for (const [decode, prefill, at] of [
    [40, 800, 2],
    [60, null, 3],
    [50, 1000, 4],
  ])
    sample.run('card@9+cpu@1', 33, decode, prefill, at)
  sample.run('card@9+cpu@1', 20, 20, null, 5)
  old.close()
  const db = openDatabase({ dataDir: dir })
  const all = { modelId: 'b', backend: 'cuda', kvCacheType: 'f16', key: 'card' }
  expect(db.measuredSpeeds.all()).toEqual([
    { ...all, gpuLayers: 20, decode: 20, prefill: null, replies: 1, at: 5 },
    { ...all, gpuLayers: 33, decode: 50, prefill: 900, replies: 3, at: 4 },
  ])
  db.close()
})

test('split models are verified only where the hash of each part is known', () => {
  const dir = join(dataDir, 'parts')
  const old = openDatabaseAt(dir, 9)
  const insert = old.prepare(
    `INSERT INTO models (id, path, sizeBytes, mtimeMs, origin, state, addedAt, sha256, fileSha256, checkedAt)
     VALUES (?, ?, 1, 1, ?, ?, 7, ?, ?, 5)`,
  )
  insert.run('whole', '/whole.gguf', 'download', 'verified', 'w', 'w')
  insert.run('kept', '/kept-00001-of-00002.gguf', 'download', 'verified', '1', '1')
  insert.run('lost', '/lost-00001-of-00002.gguf', 'download', 'verified', '1', '1')
  insert.run('damaged', '/damaged-00001-of-00002.gguf', 'download', 'damaged', null, null)
  insert.run('address', '/address-00001-of-00002.gguf', 'download', 'own', null, '1')
  insert.run('mine', '/mine-00001-of-00002.gguf', 'added', 'own', null, 'whole')
  const download = old.prepare(
    `INSERT INTO downloads (id, repository, file, revision, folder, state, parts, modelId, createdAt, updatedAt)
     VALUES (?, 'm/m', 'f', 'r', '/', 'done', ?, ?, 1, 1)`,
  )
  for (const id of ['kept', 'damaged']) download.run(id, JSON.stringify([{ sha256: '1' }, { sha256: '2' }]), id)
  download.run('address', JSON.stringify([{ sha256: null, ownSha256: '1' }, { sha256: null }]), 'address')
  old.close()
  const db = openDatabase({ dataDir: dir })
  const known = (id: string) => {
    const { state, sha256, promisedSha256s, fileSha256, checkedAt } = db.models.get(id) ?? {}
    return [state, sha256, promisedSha256s, fileSha256, checkedAt]
  }
  const whole = createHash('sha256').update('1\n2').digest('hex')
  expect(known('whole')).toEqual(['verified', 'w', ['w'], 'w', 5])
  expect(known('kept')).toEqual(['verified', whole, ['1', '2'], null, null])
  expect(known('lost')).toEqual(['own', null, null, null, null])
  expect(known('damaged')).toEqual(['damaged', null, ['1', '2'], null, null])
  expect(known('address')).toEqual(['own', null, null, null, null])
  expect(known('mine')).toEqual(['own', null, null, 'whole', 5])
  db.close()
})

test('a step that fails leaves everything as it was', () => {
  openDatabase({ dataDir }).close()
  const broken: Migration = {
    version: 99,
    up: (db) => {
      db.exec('DROP TABLE settings')
      throw new Error('half-way')
    },
  }
  expect(() => openDatabase({ dataDir, steps: [...migrations, broken] })).toThrow('half-way')
  const db = openDatabase({ dataDir })
  expect(db.settings.all().size).toBe(0)
  db.close()
})
