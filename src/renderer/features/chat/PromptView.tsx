import { useQuery } from '@tanstack/react-query'
import { client } from '../../lib/client'
import { count } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { Dialog, ErrorNotice, Note } from '../../ui'

/** The prompt of the last reply of this branch, or of the next one, control tokens and all. */
export function PromptView({ id, open, onClose }: { id: string | null; open: boolean; onClose: () => void }) {
  const { chat, common } = useMessages()
  const query = useQuery({
    queryKey: ['chat.promptView', id],
    queryFn: () => client.chat.promptView({ id: id ?? '' }),
    enabled: open && id !== null,
    staleTime: 0,
    gcTime: 0,
  })
  return (
    <Dialog open={open} onClose={onClose} title={chat.promptView} description={chat.promptViewHint} wide>
      <div className="stack prompt-view">
        {id === null && <p className="t2">{chat.promptEmpty}</p>}
        {query.isFetching && <p className="t2">{common.loading}</p>}
        {query.error !== null && <ErrorNotice error={query.error} />}
        {/* What was seen when it was open last is the prompt of another branch by now. */}
        {query.data !== undefined && !query.isFetching && (
          <>
            {query.data.fallback !== null && <Note tone="warn">{chat.promptFallback({ name: query.data.fallback })}</Note>}
            {query.data.droppedMessages > 0 && <Note>{chat.dropped({ count: query.data.droppedMessages })}</Note>}
            {query.data.droppedThoughts && <Note>{chat.droppedThoughts}</Note>}
            <pre className="sel mono" data-testid="prompt-text">
              {query.data.text}
            </pre>
            <p className="t3 f12">{chat.promptTokens({ count: count(query.data.tokens) })}</p>
          </>
        )}
      </div>
    </Dialog>
  )
}
