import { eventIterator } from '@orpc/contract'
import type { Download } from '../domain/library'
import { address, id, oc, type, z } from './base'

/** `later`: the person is busy with another model, so it is only said that this one is here. */
export type ChatWish = 'now' | 'later' | 'none'

/** A chat with it opens when it is here. */
const thenChat = z.boolean().optional()

export const downloads = {
  /** The work belongs to main: an id comes back at once. Starting the same file again gives the same id. */
  start: oc
    .input(
      z
        .object({
          repository: z
            .string()
            .min(3)
            .max(200)
            .regex(/^(ms:)?[\w.-]+\/[\w.-]+$/),
          file: z.string().min(1).max(500),
          thenChat,
        })
        .strict(),
    )
    .output(type<{ id: string; here?: string }>()),
  /** A GGUF at any address, of a split one any part; nobody says what its bytes should be. */
  startAddress: oc.input(z.object({ address, thenChat }).strict()).output(type<{ id: string; here?: string }>()),
  list: oc.output(type<Download[]>()),
  /** All downloads: a snapshot, then again at most ten times a second while something changes. */
  follow: oc.output(eventIterator(type<Download[]>())),
  pause: oc.input(z.object({ id }).strict()).output(type<null>()),
  resume: oc.input(z.object({ id }).strict()).output(type<null>()),
  cancel: oc.input(z.object({ id }).strict()).output(type<null>()),
  /** Whoever takes the wish of a download carries it out. */
  takeChat: oc.input(z.object({ id }).strict()).output(type<ChatWish>()),
  /** The first ones of the queue run: what is moved there begins, and another waits. */
  move: oc.input(z.object({ id, to: z.enum(['up', 'down', 'top']) }).strict()).output(type<null>()),
  /** Takes a finished, failed or cancelled row off the list. */
  dismiss: oc.input(z.object({ id }).strict()).output(type<null>()),
}
