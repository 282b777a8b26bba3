import type { CatalogInfo } from '@shared/ipc/discover'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { client } from '../../lib/client'
import { useMessages } from '../../lib/i18n'
import { Button, ErrorNotice } from '../../ui'
import { Row, Section } from './Field'

const infoKey = ['discover.catalog']

/** Which catalogue of models counts. A newer one is fetched when somebody asks for it, never by itself. */
export function CatalogSection() {
  const { settings: words } = useMessages()
  const queries = useQueryClient()
  const info = useQuery({ queryKey: infoKey, queryFn: () => client.discover.catalog() })
  const [typed, setTyped] = useState<string | null>(null)
  const address = (typed ?? info.data?.address ?? '').trim()
  const change = useMutation({
    mutationFn: (to: { address: string } | null) => (to === null ? client.discover.revertCatalog() : client.discover.updateCatalog(to)),
    onSuccess: (now) => {
      queries.setQueryData<CatalogInfo>(infoKey, now)
      // Every price on every page came from the one before.
      void queries.invalidateQueries()
    },
  })
  const update = () => {
    if (address !== '') change.mutate({ address })
  }
  if (info.data === undefined) return info.error === null ? null : <ErrorNotice error={info.error} />
  const { updated, models, fetched } = info.data
  return (
    <Section title={words.catalogue}>
      <Row
        label={words.catalogueOf({ updated, models })}
        hint={fetched === null ? words.catalogueShipped : words.catalogueFrom({ address: fetched.address })}
      >
        {fetched !== null && (
          <Button disabled={change.isPending} onClick={() => change.mutate(null)}>
            {words.catalogueBack}
          </Button>
        )}
      </Row>
      <Row label={words.catalogueNewer} hint={words.catalogueHint}>
        <div className="col set-wide">
          <span className="row">
            <input
              className="field grow"
              inputMode="url"
              aria-label={words.catalogueAddress}
              placeholder="https://example.org/catalog.json"
              value={typed ?? info.data.address ?? ''}
              onChange={(event) => setTyped(event.target.value)}
              onKeyDown={(event) => event.key === 'Enter' && update()}
            />
            <Button disabled={address === '' || change.isPending} onClick={update}>
              {words.catalogueUpdate}
            </Button>
          </span>
          {change.isSuccess && change.variables !== null && (
            <span className="good f12" role="status">
              {words.catalogueDone({ updated, models })}
            </span>
          )}
          {change.error !== null && <ErrorNotice error={change.error} />}
        </div>
      </Row>
    </Section>
  )
}
