import type { NothingUsable } from '@shared/domain/nothingUsable'
import type { RecommendationReason } from '@shared/domain/recommend'
import type { Messages } from '@shared/i18n'
import { count, gib, range, size, speed } from '../../lib/format'

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
export function nothingSentences(nothing: NothingUsable, { common, discover }: Messages): string[] {
  const words = common.nothing
  const model = ({ name, quantization }: { name: string; quantization: string }): string => `${name} ${quantization}`
  switch (nothing.kind) {
    case 'other-size':
      return [words['other-size']({ model: model(nothing), size: common.sizeClass[nothing.size] })]
    case 'too-slow': {
      const { needs, lowered, decode, ttftMs } = nothing
      const seconds = (ms: number): string => speed(ms / 1_000)
      return [
        words['too-slow']({
          model: model(nothing),
          speed: range(decode),
          seconds: range([ttftMs[0] / 1_000, ttftMs[1] / 1_000]),
          wanted: speed(needs.decode),
          wantedSeconds: seconds(needs.firstTokenMs),
        }),
        discover.nothing.lower({ model: nothing.name, speed: speed(lowered.decode), seconds: seconds(lowered.firstTokenMs) }),
        discover.nothing.elsewhere,
      ]
    }
    case 'too-big':
      return [
        words['too-big']({
          model: model(nothing.smallest),
          takes: size(nothing.smallest.takesBytes),
          context: count(nothing.contextSize),
        }),
        ...(nothing.freeUp === null ? [] : [words.freeUp({ model: model(nothing.freeUp), bytes: size(nothing.freeUp.bytes) })]),
        discover.nothing.elsewhere,
      ]
  }
}
