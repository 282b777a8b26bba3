/** What stands in a composer, by conversation; '' is the chat that does not exist yet. */
const key = 'snug.drafts'
/** The oldest go first; a draft is short, and so is the list. */
const kept = 40

type Drafts = Record<string, string>

function read(storage: Storage): Drafts {
  try {
    const value: unknown = JSON.parse(storage.getItem(key) ?? '{}')
    if (typeof value !== 'object' || value === null) return {}
    return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
  } catch {
    // Damaged, or storage is off: there is no draft then.
    return {}
  }
}

export function readDraft(storage: Storage, id: string | null): string {
  return read(storage)[id ?? ''] ?? ''
}

/** Kept over a reload, a crash of the page and the end of the app; an empty text takes it off. */
export function keepDraft(storage: Storage, id: string | null, text: string): void {
  const { [id ?? '']: _old, ...others } = read(storage)
  const entries = Object.entries(text === '' ? others : { ...others, [id ?? '']: text })
  try {
    storage.setItem(key, JSON.stringify(Object.fromEntries(entries.slice(-kept))))
  } catch {
    // Full: the text stays in the composer, only a reload would lose it.
  }
}

/** Drafts of chats that are gone go too. */
export function dropDrafts(storage: Storage, isGone: (id: string) => boolean): void {
  for (const id of Object.keys(read(storage))) if (id !== '' && isGone(id)) keepDraft(storage, id, '')
}
