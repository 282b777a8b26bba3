import type { Message } from '@shared/domain/chat'

/** The messages from the root to the leaf: what is being looked at. */
export function visibleBranch(messages: readonly Message[], leafId: string | null): Message[] {
  const byId = new Map(messages.map((message) => [message.id, message]))
  const branch: Message[] = []
  const seen = new Set<string>()
  let at = leafId === null ? undefined : byId.get(leafId)
  // `seen` guards against a loop in damaged data, which would never end.
  while (at !== undefined && !seen.has(at.id)) {
    seen.add(at.id)
    branch.push(at)
    at = at.parentId === null ? undefined : byId.get(at.parentId)
  }
  return branch.reverse()
}

/** Versions beside each other: same parent, by creation, this one included. */
export function siblings(messages: readonly Message[], message: Message): Message[] {
  return messages.filter((other) => other.parentId === message.parentId)
}

/** The messages below each parent, by creation: asked once for a long chat instead of for each of its messages. */
export function byParent(messages: readonly Message[]): ReadonlyMap<string | null, Message[]> {
  const below = new Map<string | null, Message[]>()
  for (const message of messages) {
    const beside = below.get(message.parentId)
    if (beside === undefined) below.set(message.parentId, [message])
    else beside.push(message)
  }
  return below
}

/** The version before or after this one; null at the ends. Main knows which end of its branch was shown last. */
export function neighbour(messages: readonly Message[], message: Message, step: -1 | 1): string | null {
  const versions = siblings(messages, message)
  return versions[versions.findIndex((other) => other.id === message.id) + step]?.id ?? null
}

export function textOf(message: Message, kind: 'answer' | 'thought' = 'answer'): string {
  return message.segments
    .filter((segment) => segment.kind === kind)
    .map((segment) => segment.text)
    .join('')
}
