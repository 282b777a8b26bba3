import { writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createFakeEngine } from '../../engine/fakeEngine'
import { silentLog } from '@shared/log'
import { openDatabase } from './open'
import { EngineHost } from '../engine/engineHost'
import { ConversationService } from '../services/conversations'
import { newModelRow } from '../services/libraryRows'
import { LoadingService } from '../services/loading'
import { RepliesService } from '../services/replies'
import { SettingsService } from '../services/settings'

/**
 * Chats as the app does, on an engine in memory, and says on stdout what is committed, until it is killed. Started by
 * killWrites.real.test.ts.
 */
const [dataDir = ''] = process.argv.slice(2)
const db = openDatabase({ dataDir })
if (db.notice !== null) throw new Error(`unexpected: ${JSON.stringify(db.notice)}`)
const say = (line: string) => writeSync(1, `${line}\n`)

const { messages } = db
const saveText = messages.saveText.bind(messages)
messages.saveText = (id, segments, raw) => {
  saveText(id, segments, raw)
  say(`text ${id} ${raw.length}`)
}

const path = join(dataDir, 'fake.gguf')
writeFileSync(path, 'x')
if (db.models.get('fake') === undefined) db.models.save({ ...newModelRow('fake', path, 1), sizeBytes: 1, mtimeMs: 1 })
// About a millisecond a word: from replies that are over before their first save to some that are saved several times.
const words = [5, 700, 60, 250, 1_200]
const fork = createFakeEngine({ replies: words.map((count) => ({ thought: '想 ', answer: '字 '.repeat(count) })) })
const host = new EngineHost({ fork, log: silentLog })
const settings = new SettingsService(db.settings)
settings.set({ lastModelId: 'fake' })
const chats = new ConversationService(db)
const replies = new RepliesService({
  conversations: chats,
  loading: new LoadingService({ host, models: db.models, settings }),
  host,
  measured: (id, measuredTokensPerSecond) => void db.models.update(id, { measuredTokensPerSecond }),
  log: silentLog,
})

const { id } = chats.create()
say(`chat ${id}`)
for (let turn = 0; ; turn++) {
  const { messageId, replyId } = replies.send({ id, text: `Question ${turn}` })
  say(`sent ${turn} ${messageId} ${replyId}`)
  for await (const event of replies.followReply(replyId)) {
    if (event.kind === 'end') say(`${event.message.status} ${replyId} ${messages.get(replyId)?.raw.length}`)
  }
}
