import type { ThinkingChoice, ThoughtMarkers } from '@shared/domain/thinking'
import type { PromptPiece, RenderedPrompt } from '@shared/engine/protocol'
import type { PromptMessage } from '@shared/domain/chat'
import type { EngineHost } from '../engine/engineHost'
import { type BranchMessage, type PromptPlan, planPrompt, replyRoom } from './contextPolicy'

export interface PlannedPrompt extends PromptPlan {
  rendered: RenderedPrompt
  /** The rendered prompt, and the beginning that the model wrote itself. */
  pieces: PromptPiece[]
  room: number
}

export interface PromptInput {
  host: Pick<EngineHost, 'tools' | 'count'>
  /** The file of the model that is loaded. */
  path: string
  contextSize: number
  system: string | null
  branch: readonly BranchMessage[]
  thinking: ThinkingChoice
  maxTokens: number | null
  firstMessageId: string | null
  /** What the model had written of this reply, with its markers; '' for a new one. */
  raw: string
  /** Left out: the loaded model counts. */
  count?: ((prompt: PromptPiece[]) => Promise<number>) | undefined
}

export function budgetOf(thinking: ThinkingChoice): number | null {
  return thinking.mode === 'off' ? null : (thinking.budgetTokens ?? null)
}

/** Chooses what goes in, rendered by the model's template in the tools process and counted by the loaded model. */
export async function planReply(input: PromptInput): Promise<PlannedPrompt> {
  const { host, path, raw } = input
  const count = input.count ?? (async (prompt: PromptPiece[]) => (await host.count(prompt)).tokens)
  const renderings = new Map<PromptMessage[], { rendered: RenderedPrompt; pieces: PromptPiece[] }>()
  const room = replyRoom(input.contextSize, budgetOf(input.thinking), input.maxTokens)
  const plan = await planPrompt({
    system: input.system,
    branch: input.branch,
    contextSize: input.contextSize,
    room,
    firstMessageId: input.firstMessageId,
    count: async (messages) => {
      const rendered = await host.tools('render', { source: { kind: 'file', path }, messages, thinking: input.thinking })
      const pieces = raw === '' ? rendered.pieces : [...rendered.pieces, ...rawPieces(raw, rendered.markers)]
      renderings.set(messages, { rendered, pieces })
      return count(pieces)
    },
  })
  const found = renderings.get(plan.messages)
  if (found === undefined) throw new Error('a plan that was never rendered')
  return { ...plan, ...found, room }
}

/** What the model wrote is its words, but for the markers, which it wrote as tokens. */
export function rawPieces(raw: string, markers: ThoughtMarkers | null): PromptPiece[] {
  if (markers === null) return [{ kind: 'text', text: raw }]
  const spellings = [...markers.open, ...markers.close, ...markers.answerOpen, ...markers.answerClose, markers.gracefulClose]
    .filter((spelling) => spelling !== '')
    .sort((a, b) => b.length - a.length)
  const pattern = new RegExp(`(${spellings.map((spelling) => spelling.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`)
  return raw
    .split(pattern)
    .map((text, index): PromptPiece => ({ kind: index % 2 === 1 ? 'template' : 'text', text }))
    .filter((piece) => piece.text !== '')
}
