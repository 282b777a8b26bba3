import type { PromptMessage, Segment } from '@shared/domain/chat'

/** Least room for an answer, tokens; with a thought budget on top of it. */
const answerRoom = 1_024
/** Where turns must be dropped at all, so many that the next turns find room and the cache keeps its beginning. */
const targetShare = 0.75
/** The last turn is answered even with little room left, but not with less than this share. */
const leastShare = 1 / 8

/** Room kept for a reply: the thought budget and 1,024 tokens of answer; half of a context that is small. */
export function replyRoom(contextSize: number, thoughtBudgetTokens: number | null, maxTokens: number | null): number {
  const wanted = (thoughtBudgetTokens ?? 0) + answerRoom
  return Math.min(wanted, maxTokens ?? wanted, Math.floor(contextSize / 2))
}

/** More characters than this for each token are in no text: a prompt so long need not be rendered and counted to be refused. */
const mostCharactersPerToken = 16

/** Of a message, whatever holds it: a row of the database, or a conversation in the terminal. */
export interface BranchMessage {
  id: string
  role: string
  segments: readonly Pick<Segment, 'kind' | 'text'>[]
}

/** What goes into a prompt: the system message, then the branch from `from` on. */
export interface PromptPlan {
  messages: PromptMessage[]
  firstMessageId: string | null
  droppedMessages: number
  droppedThoughts: boolean
  tokens: number
  /** Even the system message and the last turn leave no room to answer. */
  tooLong: boolean
}

export interface PolicyInput {
  system: string | null
  branch: readonly BranchMessage[]
  contextSize: number
  room: number
  /** Where the prompt of the turn before began. */
  firstMessageId: string | null
  /** Tokens of the rendered prompt. */
  count: (messages: PromptMessage[]) => Promise<number>
}

/** Old thoughts first, then the oldest turns whole; the system message and the last turn always stay (issue: "never garbage"). */
export async function planPrompt(input: PolicyInput): Promise<PromptPlan> {
  const { branch, contextSize, room, count } = input
  const starts = turnStarts(branch)
  const budget = contextSize - room
  const attempt = async (start: number, droppedThoughts: boolean, counted = false): Promise<PromptPlan> => {
    const head = leadingSystem(branch)
    const kept = start <= head ? branch : [...branch.slice(0, head), ...branch.slice(start)]
    const messages = promptMessages(input.system, kept, droppedThoughts)
    const dropped = branch.length - kept.length
    const firstMessageId = dropped === 0 ? null : (branch[start]?.id ?? null)
    const characters = messages.reduce((sum, { content, thought }) => sum + content.length + (thought?.length ?? 0), 0)
    const hopeless = !counted && characters > contextSize * mostCharactersPerToken
    const tokens = hopeless ? Number.POSITIVE_INFINITY : await count(messages)
    return { messages, firstMessageId, droppedMessages: dropped, droppedThoughts, tokens, tooLong: false }
  }

  // Where the turn before began, if that still fits: a prompt that begins elsewhere is evaluated anew.
  const before = starts.find((start) => branch[start]?.id === input.firstMessageId) ?? 0
  const whole = await attempt(before, false)
  if (whole.tokens <= budget) return whole
  if (branch.some((message) => hasThought(message))) {
    const silent = await attempt(before, true)
    if (silent.tokens <= budget) return silent
  }

  // The fewest turns that bring it to the target; a prompt with fewer turns is never longer, so the border is found by halving.
  let low = starts.findIndex((start) => start > before)
  let high = starts.length - 1
  if (low < 0) low = Math.max(0, high)
  let best = await attempt(starts[high] ?? 0, true, true)
  if (best.tokens > budget) return { ...best, tooLong: best.tokens > contextSize * (1 - leastShare) }
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const tried = await attempt(starts[middle] ?? 0, true)
    if (tried.tokens <= budget * targetShare) {
      best = tried
      high = middle
    } else low = middle + 1
  }
  return best
}

/** A turn begins with a user message that does not follow another one. */
function turnStarts(branch: readonly BranchMessage[]): number[] {
  const starts = branch.flatMap((message, index) => (message.role === 'user' && branch[index - 1]?.role !== 'user' ? [index] : []))
  return starts[0] === undefined || starts[0] > leadingSystem(branch) ? [leadingSystem(branch), ...starts] : starts
}

/** System messages before everything else stay, as the conversation's own does. */
function leadingSystem(branch: readonly BranchMessage[]): number {
  const first = branch.findIndex((message) => message.role !== 'system')
  return first < 0 ? branch.length : first
}

function hasThought(message: BranchMessage): boolean {
  return message.segments.some((segment) => segment.kind === 'thought' && segment.text !== '')
}

function textOf(message: BranchMessage, kind: 'answer' | 'thought'): string {
  return message.segments.reduce((text, segment) => (segment.kind === kind ? text + segment.text : text), '')
}

/** A reply without an answer (failed, or stopped while thinking) is no turn: what a person wrote around it becomes one message. */
export function promptMessages(system: string | null, branch: readonly BranchMessage[], withoutThoughts: boolean): PromptMessage[] {
  const messages: PromptMessage[] = system === null ? [] : [{ role: 'system', content: system }]
  let skipped = false
  for (const [index, message] of branch.entries()) {
    const content = textOf(message, 'answer')
    const isLast = index === branch.length - 1
    if (message.role === 'assistant' && content === '' && !(isLast && hasThought(message))) {
      skipped = true
      continue
    }
    const thought = message.role === 'assistant' && (isLast || !withoutThoughts) ? textOf(message, 'thought') : ''
    const last = messages.at(-1)
    if (skipped && last !== undefined && last.role === message.role) last.content += `\n\n${content}`
    else messages.push(thought === '' ? { role: message.role, content } : { role: message.role, content, thought })
    skipped = false
  }
  return messages
}
