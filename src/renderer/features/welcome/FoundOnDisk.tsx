import type { FoundModels } from '@shared/ipc/discover'
import { useQuery } from '@tanstack/react-query'
import { Check } from 'lucide-react'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { client } from '../../lib/client'
import { size } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { Button, ErrorNotice } from '../../ui'
import { useTellAdded } from '../library'

/** The usual folders of other programs. Their files are read where they lie. */
export function FoundOnDisk() {
  const { welcome, common } = useMessages()
  const [, go] = useLocation()
  const [added, setAdded] = useState<readonly FoundModels['source'][]>([])
  const [error, setError] = useState<unknown>(null)
  const query = useQuery({ queryKey: ['discover.foundOnDisk'], queryFn: () => client.discover.foundOnDisk(), staleTime: 60_000 })
  const adopt = (source: FoundModels['source']) => {
    setError(null)
    client.library
      .adopt({ source })
      .then(() => setAdded((before) => [...before, source]))
      .catch(setError)
  }
  const tell = useTellAdded()
  const addFile = () => {
    setError(null)
    client.library
      .addFiles()
      .then((result) => {
        tell(result)
        if (result.added.length > 0) go('/library')
      })
      .catch(setError)
  }
  const found = query.data?.filter(({ count }) => count > 0) ?? []
  return (
    <article className="choice" data-testid="choice-disk">
      <h2>{welcome.disk}</h2>
      {query.isPending && <p className="t2">{common.loading}</p>}
      {query.error !== null && <ErrorNotice error={query.error} />}
      {query.data !== undefined && found.length === 0 && <p className="t2">{welcome.diskNone}</p>}
      {found.map(({ source, count, bytes, folder }) => (
        <div key={source} className="row" title={folder}>
          <span className="grow col">
            <b className="m">{welcome.source[source]}</b>
            <span className="t2 f12">{welcome.diskFound({ count, size: size(bytes) })}</span>
          </span>
          {added.includes(source) ? (
            <span className="row good f12">
              <Check className="i s" aria-hidden="true" />
              {welcome.used}
            </span>
          ) : (
            <Button aria-label={welcome.use({ source: welcome.source[source] })} onClick={() => adopt(source)}>
              {welcome.useShort}
            </Button>
          )}
        </div>
      ))}
      <p className="t3 f12">{welcome.diskHint}</p>
      <div className="choice-acts">
        {added.length > 0 && (
          <Button kind="primary" size="l" onClick={() => go('/library')}>
            {common.library}
          </Button>
        )}
        <Button kind={added.length > 0 ? 'quiet' : 'plain'} size="l" onClick={addFile}>
          {welcome.addFile}
        </Button>
      </div>
      {error !== null && <ErrorNotice error={error} />}
    </article>
  )
}
