import { readFile } from 'node:fs/promises'
import type { PromptMessage } from '@shared/domain/chat'
import { z } from 'zod'
import { usageError } from './failure'

/** `[{"role","content","thought"?, …}]`; other fields of a message reach the template unchanged. */
const messagesSchema = z
  .array(z.looseObject({ role: z.string().min(1).max(40), content: z.string(), thought: z.string().optional() }))
  .min(1)
  .max(100_000)

export async function readMessages(path: string): Promise<PromptMessage[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw usageError('cannotRead', { path }, cause)
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw usageError('notJson', { path }, cause)
  }
  const parsed = messagesSchema.safeParse(json)
  if (!parsed.success) throw usageError('notMessages', { path, reason: z.prettifyError(parsed.error) })
  return parsed.data
}
