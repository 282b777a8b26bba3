import type { NothingUsable as Nothing } from '@shared/domain/nothingUsable'
import type { Messages } from '@shared/i18n'
import { count, range, size, speed } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { Button, Note } from '../../ui'
import type { Filters } from './filters'

/** What could be used where nothing that is shown can; the card above says why its own model cannot. */
export function NothingUsable({
  nothing,
  setFilters,
  filters,
}: {
  nothing: Nothing
  filters: Filters
  setFilters: (next: Filters) => void
}) {
  const messages = useMessages()
  const { discover, common } = messages
  return (
    <Note>
      <div className="row wrap" data-testid="nothing-usable">
        <span className="grow">{nothingSentences(nothing, messages).join(' ')}</span>
        {nothing.kind === 'other-size' && (
          <Button size="s" onClick={() => setFilters({ ...filters, size: nothing.size })}>
            {discover.nothing.show({ size: common.sizeClass[nothing.size] })}
          </Button>
        )}
      </div>
    </Note>
  )
}

export function nothingSentences(nothing: Nothing, { common, discover }: Messages): string[] {
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
