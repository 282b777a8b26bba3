import type { NothingUsable } from '@shared/domain/nothingUsable'
import type { RecommendationReason } from '@shared/domain/recommend'
import type { Messages } from '@shared/i18n'
import { nothingWords } from '@shared/i18n/nothingWords'
import { count, gib, range, speed } from '../../lib/format'

/** One sentence of why, with its numbers. */
export function reasonSentence(reason: RecommendationReason, { discover }: Messages): string {
  const words = discover.reason
  switch (reason.kind) {
    case 'full-gpu':
      return words['full-gpu']({
        device: reason.cards > 1 ? discover.onCards({ count: reason.cards }) : reason.device,
        spare: gib(reason.spareBytes),
        context: count(reason.contextSize),
        speed: range(reason.decode),
      })
    case 'partial-gpu':
      return words['partial-gpu']({
        device: reason.cards > 1 ? discover.onCards({ count: reason.cards }) : reason.device,
        layers: reason.gpuLayers,
        total: reason.totalLayers,
        context: count(reason.contextSize),
        speed: range(reason.decode),
      })
    case 'cpu':
      return words.cpu({ spare: gib(reason.spareBytes), context: count(reason.contextSize), speed: range(reason.decode) })
    case 'slow':
      return words.slow({ speed: range(reason.decode), wanted: speed(reason.wantedTokensPerSecond), context: count(reason.contextSize) })
    case 'slow-start':
      return words['slow-start']({
        seconds: range([reason.ttftMs[0] / 1_000, reason.ttftMs[1] / 1_000]),
        wanted: speed(reason.wantedMs / 1_000),
        speed: range(reason.decode),
      })
    case 'once-freed':
      return words['once-freed']({
        freeUp: gib(reason.freeUpBytes),
        context: count(reason.contextSize),
        speed: range(reason.decode),
      })
    case 'only-now':
      return words['only-now']({
        missing: gib(reason.usuallyMissingBytes),
        context: count(reason.contextSize),
        speed: range(reason.decode),
      })
    case 'free-up':
      return words['free-up']({ freeUp: gib(reason.freeUpBytes), context: count(reason.contextSize) })
    case 'too-big':
      return words['too-big']({ missing: gib(reason.missingBytes), context: count(reason.contextSize) })
    case 'demonstration':
      return words.demonstration({ speed: range(reason.decode) })
  }
}

/** Why nothing that is shown can be recommended, and what could be. */
export function nothingSentences(nothing: NothingUsable, messages: Messages): string[] {
  const { elsewhere, lower } = messages.discover.nothing
  // Plain figures need no language.
  const why = nothingWords(nothing, messages, 'en')
  if (nothing.kind === 'other-size') return why
  if (nothing.kind === 'too-big') return [...why, elsewhere]
  const { name, lowered } = nothing
  return [...why, lower({ model: name, speed: speed(lowered.decode), seconds: speed(lowered.firstTokenMs / 1_000) }), elsewhere]
}
