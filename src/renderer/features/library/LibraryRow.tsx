import { formatWait } from '@shared/domain/format'
import type { EngineStatus, LibraryModel, LibraryWork, ModelUpdate } from '@shared/domain/library'
import type { Messages } from '@shared/i18n'
import {
  CircleStop,
  Folder,
  FolderInput,
  Lightbulb,
  ListX,
  MoreHorizontal,
  Play,
  ShieldCheck,
  SlidersHorizontal,
  Trash2,
} from 'lucide-react'
import { useState } from 'react'
import { client } from '../../lib/client'
import { count, parameters, size, speed } from '../../lib/format'
import { useLanguage, useMessages } from '../../lib/i18n'
import { isUsable } from '../../lib/currentModel'
import { Button, ErrorNotice, IconButton, Menu, type MenuEntry, Note, WherePill, toast } from '../../ui'
import { loadingText } from './loadingText'
import { DemonstrationTag } from './ModelTags'
import { PresetDialog } from './PresetDialog'
import { UpdateNote } from './UpdateNote'
import { useChatWith } from '../../lib/useChatWith'
import { WorkLine } from './WorkLine'
import { useFit } from './useFit'

interface RowProps {
  model: LibraryModel
  engine: EngineStatus
  /** The largest file of the list: bars are drawn against it. */
  largest: number
  /** Another row with the same bytes. */
  copy: LibraryModel | null
  update: ModelUpdate | null
  works: readonly LibraryWork[]
}

/** A file that was downloaded and that no source vouches for is neither verified nor the person's own. */
function whatIsKnown({ origin, state }: LibraryModel, library: Messages['library']): string {
  if (origin === 'watched') return library.inPlace
  return origin === 'download' && state === 'own' ? library.unverified : library.state[state]
}

export function LibraryRow({ model, engine, largest, copy, update, works }: RowProps) {
  const words = useMessages()
  const { library, common } = words
  const language = useLanguage()
  const [error, setError] = useState<unknown>(null)
  const [preset, setPreset] = useState(false)
  const usable = isUsable(model)
  const fit = useFit(model.id, null, usable)
  const chat = useChatWith()
  const here = engine.state !== 'empty' && engine.modelId === model.id
  const run = (work: Promise<unknown>) => {
    setError(null)
    void work.catch(setError)
  }
  const trash = () =>
    run(
      client.library.trash({ id: model.id }).then(({ moved }) => {
        if (moved) toast(library.trashed({ name: model.name }))
      }),
    )
  const entries: MenuEntry[] = [
    {
      id: 'preset',
      label: library.preset.open,
      icon: <SlidersHorizontal className="i s" aria-hidden="true" />,
      disabled: !usable,
      run: () => setPreset(true),
    },
    {
      id: 'folder',
      label: library.showInFolder,
      icon: <Folder className="i s" aria-hidden="true" />,
      disabled: model.state === 'missing',
      run: () => run(client.library.showInFolder({ id: model.id })),
    },
    {
      id: 'verify',
      label: library.care.verify,
      icon: <ShieldCheck className="i s" aria-hidden="true" />,
      disabled: model.state === 'missing',
      run: () => run(client.library.verify({ id: model.id })),
    },
    {
      id: 'move',
      label: library.care.move,
      icon: <FolderInput className="i s" aria-hidden="true" />,
      disabled: !usable || here || model.origin === 'starter',
      run: () => run(client.library.move({ id: model.id })),
    },
    {
      id: 'forget',
      label: library.forget,
      icon: <ListX className="i s" aria-hidden="true" />,
      run: () => run(client.library.forget({ id: model.id })),
    },
    {
      id: 'trash',
      label: library.trash,
      icon: <Trash2 className="i s" aria-hidden="true" />,
      danger: true,
      disabled: model.state === 'missing',
      run: trash,
    },
  ]
  const label = `${model.name} ${model.quantization}`
  return (
    <li className="lib" data-testid="library-row" data-state={model.state}>
      <div className="lib-grid">
        <div className="col">
          <span className="row lib-tags">
            <b className="ell" title={model.path}>
              {model.name}
            </b>
            {model.thinking.kind !== 'none' && (
              <Lightbulb className="i xs t3" role="img" aria-label={library.thinking[model.thinking.kind]}>
                <title>{library.thinking[model.thinking.kind]}</title>
              </Lightbulb>
            )}
            {here && engine.state === 'ready' && <span className="tag acc">{library.loaded}</span>}
            {here && engine.state === 'loading' && <span className="tag acc">{loadingText(engine, words, language)}</span>}
            {!usable && <span className="tag bad">{library.state[model.state]}</span>}
            <DemonstrationTag model={model} />
          </span>
          <span className="t3 f11">
            {/* Of a header that was refused nothing is known but the file's name. */}
            {model.architecture === '' ? (
              <span className="mono">{model.fileName}</span>
            ) : (
              <>
                <span title={library.family}>{model.architecture}</span> · {parameters(model.parameters)}
                {model.activeParameters < model.parameters &&
                  `${common.listSeparator}${library.active({ count: parameters(model.activeParameters) })}`}{' '}
                · <span className="mono">{model.quantization}</span> · {library.contextLimit({ tokens: count(model.trainContextSize) })}
              </>
            )}
            {model.licence !== null && ` · ${model.licence}`}
            {model.preset != null && ` · ${library.preset.kept}`}
            {usable && ` · ${whatIsKnown(model, library)}`}
            {fit?.loadMs !== undefined && !here && ` · ${common.loadsIn({ time: formatWait(fit.loadMs, language) })}`}
          </span>
        </div>
        <span className="size-bar" aria-hidden="true">
          <i
            className={usable ? undefined : 'gone'}
            style={{ width: `${Math.max(1, (model.sizeBytes / Math.max(1, largest)) * 100).toFixed(1)}%` }}
          />
        </span>
        <span className="num nw">{size(model.sizeBytes)}</span>
        <span>{fit === null ? <span className="t3">—</span> : <WherePill fit={fit} />}</span>
        <span className="num nw" title={model.measuredTokensPerSecond === null ? library.notMeasured : undefined}>
          {model.measuredTokensPerSecond === null ? (
            <span className="t3">—</span>
          ) : (
            <>
              <b className="m">{speed(model.measuredTokensPerSecond)}</b> <span className="t3">{common.tokensPerSecond}</span>
            </>
          )}
        </span>
        <span className="row end">
          {here && engine.state === 'ready' ? (
            <IconButton label={`${library.unload}: ${label}`} onClick={() => run(client.engine.unload())}>
              <CircleStop className="i" aria-hidden="true" />
            </IconButton>
          ) : (
            <IconButton label={`${library.loadAndChat}: ${label}`} disabled={!usable} onClick={() => chat(model.id)}>
              <Play className="i" aria-hidden="true" />
            </IconButton>
          )}
          <Menu
            trigger={
              <IconButton label={library.moreFor({ name: label })}>
                <MoreHorizontal className="i" aria-hidden="true" />
              </IconButton>
            }
            entries={entries}
          />
        </span>
      </div>
      {model.state === 'missing' && <Note tone="warn">{library.missingHint({ path: model.path })}</Note>}
      {model.state === 'damaged' && (
        <ErrorNotice error={model.problem ?? { code: 'model/corrupt-file' }}>
          <span className="t2">{library.damagedHint}</span>
        </ErrorNotice>
      )}
      {error !== null && <ErrorNotice error={error} />}
      {copy !== null && (
        <Note>
          <span className="grow">{library.care.sameAs({ path: copy.path, size: size(model.sizeBytes) })}</span>
          <Button size="s" onClick={trash}>
            {library.care.trashThis}
          </Button>
        </Note>
      )}
      {update !== null && <UpdateNote model={model} update={update} fit={fit} />}
      {works.map((work) => (
        <WorkLine key={work.id} work={work} />
      ))}
      <PresetDialog model={model} engine={engine} open={preset} onClose={() => setPreset(false)} />
    </li>
  )
}
