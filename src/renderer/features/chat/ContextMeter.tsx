import type { ContextUse } from '@shared/ipc/chat'
import { count } from '../../lib/format'
import { useMessages } from '../../lib/i18n'

/** What the model reads before it answers. Blue-grey: tokens are not bytes. The legend collapses while nothing is tight. */
export function ContextMeter({ use }: { use: ContextUse }) {
  const { chat } = useMessages()
  const words = chat.context
  const used = use.system + use.conversation + use.draft
  const share = (tokens: number) => ({ width: `${Math.min(100, (tokens / Math.max(1, use.contextSize)) * 100).toFixed(2)}%` })
  const warning = use.tooLong
    ? words.tooLong
    : use.droppedMessages > 0
      ? words.willDrop({ count: use.droppedMessages })
      : use.droppedThoughts
        ? words.willDropThoughts
        : null
  return (
    <div className="ctx">
      <span
        className="meter"
        role="img"
        aria-label={words.sentence({ used: count(used), size: count(use.contextSize), reply: count(use.reply) })}
        data-testid="context-meter"
      >
        <span className="tank">
          <i className="cs" style={share(use.system)} />
          <i className="cc" style={share(use.conversation)} />
          {use.draft > 0 && <i className="cd" style={share(use.draft)} />}
          <i className="r push" style={share(Math.min(use.reply, Math.max(0, use.contextSize - used)))} />
        </span>
      </span>
      <span className="legend">
        <span>
          <b>
            {count(used)} / {count(use.contextSize)}
          </b>
        </span>
        {warning === null ? (
          <>
            {use.system > 0 && (
              <span className="opt">
                <i className="sq cs" />
                {words.system} {count(use.system)}
              </span>
            )}
            <span className="opt">
              <i className="sq cc" />
              {words.conversation} {count(use.conversation)}
            </span>
            {use.draft > 0 && (
              <span className="opt">
                <i className="sq cd" />
                {words.draft} {count(use.draft)}
              </span>
            )}
            <span>
              <i className="sq r" />
              {words.reply} {count(use.reply)}
            </span>
          </>
        ) : (
          <span className={use.tooLong ? 'bad' : 'warn'} role="status">
            {warning}
          </span>
        )}
      </span>
    </div>
  )
}
