import type { LibraryModel } from '@shared/domain/library'
import { MessageSquare } from 'lucide-react'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { client } from '../../lib/client'
import { parameters } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { isUsable } from '../../lib/currentModel'
import { useCurrentModel } from '../../lib/models'
import { Button, EmptyState, ErrorNotice } from '../../ui'

/** Before the first message: three sample prompts for this model, or the way to one. */
export function EmptyChat({ onSample }: { onSample: (text: string) => void }) {
  const { chat } = useMessages()
  const { model, models, known } = useCurrentModel()
  if (!known) return <div className="grow" />
  if (model === null) return <ChooseFirst models={models.filter(isUsable)} />
  const samples =
    model.demonstration !== null
      ? [chat.samples.starter1, chat.samples.starter2, chat.samples.starter3]
      : model.thinking.kind === 'none'
        ? [chat.samples.general1, chat.samples.general2, chat.samples.general3]
        : [chat.samples.thinking1, chat.samples.code1, chat.samples.general1]
  return (
    <EmptyState title={chat.emptyTitle}>
      <ul className="plain samples" aria-label={chat.sampleLabel}>
        {samples.map((text) => (
          <li key={text}>
            <button type="button" className="sample" onClick={() => onSample(text)}>
              {text}
            </button>
          </li>
        ))}
      </ul>
    </EmptyState>
  )
}

/** The best installed ones first: measured speed, then size; demonstrations last. */
export function bestInstalled(models: readonly LibraryModel[]): LibraryModel[] {
  return [...models].sort(
    (a, b) => Number(a.demonstration !== null) - Number(b.demonstration !== null) || b.activeParameters - a.activeParameters,
  )
}

function ChooseFirst({ models }: { models: readonly LibraryModel[] }) {
  const { chat, common } = useMessages()
  const [, go] = useLocation()
  const [error, setError] = useState<unknown>(null)
  const shown = bestInstalled(models).slice(0, 2)
  const load = (model: LibraryModel) => void client.engine.load({ modelId: model.id }).catch(setError)
  return (
    <EmptyState
      icon={<MessageSquare aria-hidden="true" />}
      title={chat.noModelTitle}
      body={models.length === 0 ? chat.noModelInstalled : chat.noModelBody}
    >
      <div className="row wrap center">
        {shown.map((model, place) => (
          <Button key={model.id} kind={place === 0 ? 'primary' : 'plain'} size="l" onClick={() => load(model)}>
            {model.demonstration === 'starter' ? chat.loadStarter : chat.loadModel({ name: model.name })}
            <span className="opacity">
              {parameters(model.parameters)} · {model.quantization}
            </span>
          </Button>
        ))}
        <Button kind={models.length === 0 ? 'primary' : 'quiet'} size="l" onClick={() => go('/discover')}>
          {chat.toDiscover}
        </Button>
        <Button kind="quiet" size="l" onClick={() => go('/library')}>
          {chat.toLibrary}
        </Button>
      </div>
      {shown.some((model) => model.demonstration === 'starter') && (
        <p className="t3 f12">
          {shown.find((model) => model.demonstration === 'starter')?.name} · {common.demonstrationStarter}
          {common.fullStop}
          {common.demonstrationHint}
        </p>
      )}
      {error !== null && <ErrorNotice error={error} />}
    </EmptyState>
  )
}
