interface Node {
  id: string
  parentId: string | null
}

/** From the root to the message: the branch that ends in it. */
export function branchOf<M extends Node>(messages: readonly M[], leafId: string | null): M[] {
  const byId = new Map(messages.map((message) => [message.id, message]))
  const branch: M[] = []
  for (
    let at = leafId === null ? undefined : byId.get(leafId);
    at !== undefined;
    at = at.parentId === null ? undefined : byId.get(at.parentId)
  ) {
    branch.push(at)
  }
  return branch.reverse()
}

/**
 * The newest message below this one (or itself): what a person means by choosing a branch. Messages come by creation, and an answer is
 * created after what it answers, so the last one found has none.
 */
export function newestLeafBelow(messages: readonly Node[], id: string): string {
  const below = new Set([id])
  let newest = id
  for (const message of messages) {
    if (message.parentId === null || !below.has(message.parentId)) continue
    below.add(message.id)
    newest = message.id
  }
  return newest
}

/** Which child of each message was last looked at, so that going back to a branch shows the end that was left there. */
export class LastShown {
  readonly #child = new Map<string, string>()

  /** The branch that is left, or looked at from now on. */
  keep(branch: readonly Node[]): void {
    for (const { id, parentId } of branch) if (parentId !== null) this.#child.set(parentId, id)
  }

  /** The end that was last shown below this message; the newest where none was. */
  leafBelow(messages: readonly Node[], id: string): string {
    const there = new Set(messages.map((message) => message.id))
    let at = id
    const seen = new Set<string>()
    for (let next = this.#child.get(at); next !== undefined && there.has(next) && !seen.has(next); next = this.#child.get(at)) {
      seen.add(next)
      at = next
    }
    return newestLeafBelow(messages, at)
  }
}

const longestTitle = 60

/** The first words of what a person wrote, on one line; cut between characters as read, not inside one. */
export function titleOf(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  const characters = Array.from(new Intl.Segmenter().segment(line.slice(0, longestTitle * 8)), (part) => part.segment)
  return characters.length <= longestTitle
    ? line
    : `${characters
        .slice(0, longestTitle - 1)
        .join('')
        .trimEnd()}…`
}
