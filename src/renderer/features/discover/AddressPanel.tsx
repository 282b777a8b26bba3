import type { CapabilityScore, UseCase } from '@shared/domain/catalog'
import type { AddressedModel } from '@shared/ipc/discover'
import { sourceKind } from '@shared/domain/source'
import { useQuery } from '@tanstack/react-query'
import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { addressTrouble } from '../../lib/addressTrouble'
import { client } from '../../lib/client'
import { errorValueOf } from '../../lib/errors'
import { count, gib, parameters, range, size } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { settingsLive, useLive } from '../../lib/live'
import { type Offer, saidOf } from '../../lib/offer'
import { Button, ErrorNotice, IconButton, MemoryBar, MemoryLegend, Note, poolName } from '../../ui'
import { Arithmetic } from './Arithmetic'
import { Outcome } from './ModelRow'
import { Obtain } from './Obtain'
import { ratingText } from './Rating'
import { type PanelProps, RepositoryPanel } from './RepositoryPanel'
import { markFit } from './simulation'
import { TestLine, TestPanel } from './TestHere'
import { useGrade } from './useGrade'

/** What lies at a pasted address: one file with its verdict, or the files of a repository. */
export function AddressPanel({ address, ...panel }: PanelProps & { address: string }) {
  const { use, contextSize, kvCacheType, simulate, beside, ratingOf, onClose } = panel
  const { discover } = useMessages()
  const offline = useLive(settingsLive)?.offline ?? false
  const look = (machine: PanelProps['simulate']) => ({
    // Offline is another question: what failed then is asked again when the network is back.
    queryKey: ['discover.address', address, contextSize, kvCacheType, machine, beside, offline],
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      client.discover.address(
        {
          address,
          kvCacheType,
          beside,
          contextSize,
          ...(machine === null ? {} : { simulate: machine }),
        },
        { signal },
      ),
    staleTime: 300_000,
  })
  const query = useQuery(look(simulate))
  const real = useQuery({ ...look(null), enabled: simulate !== null })
  const found = query.data
  if (found?.kind === 'repository') return <RepositoryPanel {...panel} repository={found.repository} />
  const here = simulate !== null && real.data?.kind === 'file' ? real.data : null
  return (
    <section className="card flush repo" aria-label={discover.address.title} data-testid="address-file">
      <div className="row repo-head">
        <h2 className="grow ell sel" title={address}>
          {found === undefined ? discover.address.title : (found.facts.name ?? found.file)}
        </h2>
        <IconButton label={discover.address.close} onClick={onClose}>
          <X className="i" aria-hidden="true" />
        </IconButton>
      </div>
      {query.isPending && <p className="t2 pad">{discover.address.looking}</p>}
      {query.error !== null && (
        <div className="pad">
          <Trouble error={query.error} onRetry={() => void query.refetch()} />
        </div>
      )}
      {found !== undefined && (
        <OneFile
          model={simulate === null ? found : { ...found, fit: markFit(found.fit, (name) => discover.simulatedDevice({ name })) }}
          here={here}
          use={use}
          rating={found.repository === null ? null : ratingOf(found.repository)}
        />
      )}
    </section>
  )
}

/** What went wrong and what to do, with the way out that fits. */
function Trouble({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const { discover, common } = useMessages()
  const value = errorValueOf(error)
  const ofAddress = value.data?.address !== undefined || value.data?.what === 'no-model'
  const final = value.code === 'usage/invalid' || value.code === 'model/unsupported'
  return (
    <ErrorNotice error={error} words={ofAddress ? addressTrouble(error, discover.address.trouble) : undefined}>
      {value.code === 'network/offline' ? (
        <Button size="s" onClick={() => void client.app.setSettings({ offline: false })}>
          {discover.goOnline}
        </Button>
      ) : (
        !final && (
          <Button size="s" onClick={onRetry}>
            {common.retry}
          </Button>
        )
      )}
    </ErrorNotice>
  )
}

interface OneFileProps {
  model: AddressedModel
  here: AddressedModel | null
  use: UseCase
  rating: CapabilityScore | null
}

function OneFile({ model, here, use, rating }: OneFileProps) {
  const messages = useMessages()
  const { discover, common } = messages
  const words = discover.address
  const { repository, file, fit, facts, sizeBytes } = model
  const gradeOf = useGrade(use)
  const name = facts.name ?? file
  const offer: Offer = {
    name,
    quantization: facts.quantization,
    repository,
    file,
    sizeBytes,
    sizeIsExact: true,
    demonstration: false,
    said: saidOf(here?.fit ?? fit),
    ...(here === null ? {} : { here: here.fit }),
  }
  const billions =
    facts.activeParameters < facts.parameters
      ? discover.activeOf({ total: parameters(facts.parameters), active: parameters(facts.activeParameters) })
      : parameters(facts.parameters)
  return (
    <>
      <div className="one-file">
        <div>
          <dl className="file-facts" data-testid="address-facts">
            <Fact name={words.file}>
              {file}
              {model.parts > 1 && <span className="t3"> {words.parts({ count: model.parts })}</span>}
            </Fact>
            <Fact name={words.size}>{size(sizeBytes)}</Fact>
            <Fact name={words.family}>{facts.architecture}</Fact>
            <Fact name={words.parameters}>{billions}</Fact>
            <Fact name={discover.column.quantization}>
              <span className="mono">{facts.quantization}</span>
            </Fact>
            <Fact name={words.longest}>{discover.contextTokens({ tokens: count(facts.trainContextSize) })}</Fact>
            {facts.licence !== null && <Fact name={discover.licence}>{facts.licence}</Fact>}
            <Fact name={words.source}>{model.host}</Fact>
            <Fact name={discover.capabilityLabel}>{ratingText(rating, messages)}</Fact>
          </dl>
          <div className="get-it">
            <Obtain offer={offer} large />
          </div>
        </div>
        <div className="hero-bar">
          <div className="row wrap f12">
            <Outcome grade={gradeOf(fit)} fit={fit} />
            <span className="t2 grow">
              {fit.verdict !== 'too-big' && (
                <>
                  <b className="m">{range(fit.speed.decode)}</b> {common.tokensPerSecond}
                </>
              )}
            </span>
            <span className="tag" title={common.levelHint[fit.level]}>
              {common.level[fit.level]}
            </span>
            <Arithmetic
              name={name}
              quantization={facts.quantization}
              fit={fit}
              licence={facts.licence}
              rating={rating}
              test={<TestPanel offer={offer} fit={fit} />}
            >
              {gib(fit.totalBytes)} GiB
            </Arithmetic>
          </div>
          <div className="ends" data-tanks={fit.pools.length}>
            {fit.pools.map((pool) => (
              <span key={pool.id}>
                <b className="m ell">{poolName(pool, common.ram)}</b>
                <span className="t2">{common.freeShort({ free: gib(pool.freeBytes + pool.returnedBytes) })}</span>
              </span>
            ))}
          </div>
          <MemoryBar pools={fit.pools} parts={fit.parts} verdict={fit.verdict} size="l" name={name} />
          <MemoryLegend parts={fit.parts} reserveBytes={fit.pools.reduce((sum, pool) => sum + pool.reserveBytes, 0)} />
        </div>
      </div>
      <TestLine offer={offer} fit={fit} />
      <div className="pad" data-testid="address-trust">
        <Trust model={model} />
      </div>
      {model.gated !== null && (
        <div className="pad">
          <Note>{model.gated === 'manual' ? discover.gatedByHand : discover.gated}</Note>
        </div>
      )}
    </>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="sel">{children}</dd>
    </div>
  )
}

/** How its bytes are checked, and what nobody can check. */
function Trust({ model: { repository, host, hash, way, resumable } }: { model: AddressedModel }) {
  const { trust } = useMessages().discover.address
  if (hash !== null)
    return (
      <Note>
        {(hash === 'sha256' ? trust.sha256 : trust.gitSha1)({ source: sourceKind(repository) === 'modelscope' ? 'ModelScope' : host })}
      </Note>
    )
  return (
    <Note tone={way === 'plain' ? 'warn' : 'plain'}>
      <p>{way === 'encrypted' ? trust.checkedEncrypted({ host }) : trust.checked}</p>
      <p>{way === 'plain' ? trust.unknownPlain : trust.unknown}</p>
      {!resumable && <p>{trust.notResumable}</p>}
    </Note>
  )
}
