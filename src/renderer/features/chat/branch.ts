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

/** The end of the branch that goes through a message: always the newest child. */
export function leafBelow(messages: readonly Message[], id: string): string {
  let leaf = id
  const seen = new Set<string>()
  while (!seen.has(leaf)) {
    seen.add(leaf)
    const child = messages.findLast((message) => message.parentId === leaf)
    if (child === undefined) return leaf
    leaf = child.id
  }
  return leaf
}

/** The leaf to look at for the version before or after this one; null at the ends. */
export function neighbourLeaf(messages: readonly Message[], message: Message, step: -1 | 1): string | null {
  const versions = siblings(messages, message)
  const next = versions[versions.findIndex((other) => other.id === message.id) + step]
  return next === undefined ? null : leafBelow(messages, next.id)
}

export function textOf(message: Message, kind: 'answer' | 'thought' = 'answer'): string {
  return message.segments
    .filter((segment) => segment.kind === kind)
    .map((segment) => segment.text)
    .join('')
}
