import type { CapabilityScore, UseCase } from '@shared/domain/catalog'
import type { KvCacheType } from '@shared/domain/gguf'
import { quantizationInfo, quantizationLoss } from '@shared/domain/quantization'
import { bestQuantization } from '@shared/domain/recommend'
import type { SimulatedMachine } from '@shared/domain/simulate'
import { useQuery } from '@tanstack/react-query'
import { ExternalLink, X } from 'lucide-react'
import { useState } from 'react'
import { client } from '../../lib/client'
import { size } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { downloadsLive, useLive } from '../../lib/live'
import { type Offer, saidOf } from '../../lib/offer'
import { Button, ErrorNotice, IconButton, Note } from '../../ui'
import { Card } from './Card'
import { downloadOf } from './matching'
import { QuantizationRow } from './ModelRow'
import { Obtain } from './Obtain'
import { ratingText } from './Rating'
import { markFit, useSimulation } from './simulation'
import { useGrade } from './useGrade'

/** Of a name that says nothing: as most are. */
const unknownBits = 4.5

export interface PanelProps {
  /** Decides what is fast enough. */
  use: UseCase
  /** As the use wants it, where the person chose none. */
  contextSize: number
  kvCacheType: KvCacheType
  simulate: SimulatedMachine | null
  beside: boolean
  /** Of a repository that the catalogue knows; null: not rated. */
  ratingOf: (repository: string) => CapabilityScore | null
  onClose: () => void
}

/** Any repository of the hub: its files by quantization, each with its verdict. */
export function RepositoryPanel({ repository, ...panel }: PanelProps & { repository: string }) {
  const { use, contextSize, kvCacheType, simulate, beside, ratingOf, onClose } = panel
  const messages = useMessages()
  const { discover, common } = messages
  const filesOn = (machine: SimulatedMachine | null) => ({
    queryKey: ['discover.files', repository, contextSize, kvCacheType, machine, beside],
    queryFn: () =>
      client.discover.files({
        repository,
        kvCacheType,
        beside,
        contextSize,
        ...(machine === null ? {} : { simulate: machine }),
      }),
    staleTime: 300_000,
  })
  const query = useQuery(filesOn(simulate))
  const real = useQuery({ ...filesOn(null), enabled: simulate !== null })
  const page = query.data?.page
  const [card, setCard] = useState(false)
  const simulation = useSimulation()
  const downloads = useLive(downloadsLive) ?? []
  const gradeOf = useGrade(use)
  const rating = ratingOf(repository)
  const name = repository.slice(repository.indexOf('/') + 1)
  const rows = (query.data?.groups ?? []).flatMap((group) => {
    const priced = query.data?.fits[group.file] ?? query.data?.fits[group.quantization]
    if (priced === undefined) return []
    const fit = simulate === null ? priced : markFit(priced, (device) => discover.simulatedDevice({ name: device }))
    const here = simulate === null ? undefined : (real.data?.fits[group.file] ?? real.data?.fits[group.quantization])
    const { quantization, file, sizeBytes } = group
    const offer: Offer = {
      name,
      quantization,
      repository,
      file,
      sizeBytes,
      sizeIsExact: true,
      demonstration: false,
      said: saidOf(here ?? fit),
      ...(here === undefined ? {} : { here }),
    }
    const bitsPerWeight = quantizationInfo(quantization)?.bitsPerWeight ?? unknownBits
    const loss = quantizationLoss(quantization, bitsPerWeight)
    return [{ quantization, bitsPerWeight, loss, sizeBytes, verdict: fit.verdict, grade: gradeOf(fit), fit, offer }]
  })
  const found = bestQuantization(rows)
  const best = found?.verdict === 'too-big' ? null : found
  // From then on its row tells.
  const begun = best === null ? null : downloadOf(best.offer, downloads)
  return (
    <section className="card flush repo" aria-label={discover.filesOf({ repository })} data-testid="repository-files">
      <div className="row repo-head">
        <h2 className="grow ell">{discover.filesOf({ repository })}</h2>
        {query.data !== undefined && <span className="tag">{discover.capability({ rating: ratingText(rating, messages) })}</span>}
        {query.data?.licence != null && <span className="tag">{query.data.licence}</span>}
        {query.data != null && (
          <Button size="s" aria-expanded={card} onClick={() => setCard(!card)}>
            {discover.card}
          </Button>
        )}
        {page !== undefined && (
          <IconButton label={discover.openRepository} onClick={() => void client.app.openLink({ url: page })}>
            <ExternalLink className="i" aria-hidden="true" />
          </IconButton>
        )}
        <IconButton label={discover.closeFiles} onClick={onClose}>
          <X className="i" aria-hidden="true" />
        </IconButton>
      </div>
      {query.isPending && <p className="t2 pad">{common.loading}</p>}
      {query.error !== null && (
        <div className="pad">
          <ErrorNotice error={query.error}>
            <Button size="s" onClick={() => void query.refetch()}>
              {common.retry}
            </Button>
          </ErrorNotice>
        </div>
      )}
      {query.data?.gated != null && (
        <div className="pad">
          <Note>{query.data.gated === 'manual' ? discover.gatedByHand : discover.gated}</Note>
        </div>
      )}
      {card && query.data !== undefined && <Card repository={repository} revision={query.data.revision} />}
      {query.data?.groups.length === 0 && <p className="t2 pad">{discover.filesNone}</p>}
      {best !== null && (
        <div className="row pad" data-testid="repository-best">
          <span className="t2 grow">
            {simulation === null
              ? discover.bestQuantization({ quantization: best.quantization })
              : discover.bestSimulatedQuantization({ quantization: best.quantization, name: simulation.name })}
          </span>
          {begun === null && <Obtain offer={best.offer} large />}
        </div>
      )}
      <ul className="plain quants">
        {rows.map((row) => (
          <QuantizationRow
            key={row.offer.file}
            name={name}
            quantization={row.quantization}
            loss={row.loss}
            fit={row.fit}
            grade={row.grade}
            rating={rating}
            best={row === best}
            sizeText={size(row.sizeBytes)}
            offer={row.offer}
          />
        ))}
      </ul>
    </section>
  )
}
