import { formatBytes, formatCount, formatFigures } from '../domain/format'
import type { NothingUsable } from '../domain/nothingUsable'
import type { Language } from '../domain/settings'
import type { Messages } from '.'

/** Why nothing of a list can be recommended; what to do about it, the page and the command line say each in its own way. */
export function nothingWords(nothing: NothingUsable, { common }: Pick<Messages, 'common'>, language: Language): string[] {
  const words = common.nothing
  const model = ({ name, quantization }: { name: string; quantization: string }): string => `${name} ${quantization}`
  switch (nothing.kind) {
    case 'other-size':
      return [words['other-size']({ model: model(nothing), size: common.sizeClass[nothing.size] })]
    case 'too-slow': {
      const { needs, decode, ttftMs } = nothing
      return [
        words['too-slow']({
          model: model(nothing),
          speed: formatFigures(decode, language),
          seconds: formatFigures([ttftMs[0] / 1_000, ttftMs[1] / 1_000], language),
          wanted: String(needs.decode),
          wantedSeconds: String(needs.firstTokenMs / 1_000),
        }),
      ]
    }
    case 'too-big': {
      const { smallest, freeUp, contextSize } = nothing
      return [
        words['too-big']({
          model: model(smallest),
          takes: formatBytes(smallest.takesBytes, language),
          context: formatCount(contextSize, language),
        }),
        ...(freeUp === null ? [] : [words.freeUp({ model: model(freeUp), bytes: formatBytes(freeUp.bytes, language) })]),
      ]
    }
  }
}
