import { writeSync } from 'node:fs'
import { openDatabase } from './open'

/** Writes messages as fast as it can and says on stdout which are committed, until it is killed. Started by killWrites.real.test.ts. */
const [dataDir = '', round = '0'] = process.argv.slice(2)
const db = openDatabase({ dataDir })
if (db.notice !== null) throw new Error(`unexpected: ${JSON.stringify(db.notice)}`)
const conversationId = `round${round}`
const settings = {
  sampling: { temperature: null, topP: null, topK: null, minP: null, repeatPenalty: null, seed: null },
  thinking: { mode: 'default' as const },
  stream: true,
  maxTokens: null,
}
const row = {
  id: conversationId,
  title: '',
  modelId: null,
  system: null,
  settings,
  leafId: null,
  createdAt: 1,
  updatedAt: 1,
  deletedAt: null,
}
db.conversations.save(row)
let parentId: string | null = null
for (let index = 0; ; index++) {
  const id = `${conversationId}-${index}`
  const base = { id, conversationId, parentId, role: 'assistant' as const, modelId: null, modelName: null, promptSettings: null }
  db.transaction(() => {
    db.messages.insert({ ...base, status: 'streaming', segments: [], raw: '', stats: null, error: null, createdAt: index })
    db.conversations.save({ ...row, leafId: id, updatedAt: index })
  })
  writeSync(1, `row ${id}\n`)
  // A reply that grows by a few hundred characters, as the streaming save writes it.
  const text = '字'.repeat(50 + (index % 400))
  db.messages.saveText(id, [{ kind: 'answer', text, ms: 1, tokens: 1 }], text)
  writeSync(1, `text ${id} ${text.length}\n`)
  parentId = id
}
