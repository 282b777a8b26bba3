import { CloudOff } from 'lucide-react'
import { useState } from 'react'
import { client } from '../../lib/client'
import { useMessages } from '../../lib/i18n'
import { libraryLive, settingsLive, useLive } from '../../lib/live'
import { useChatWith } from '../../lib/useChatWith'
import { Button, ErrorNotice, useErrorWords } from '../../ui'
import { useTellAdded } from '../library'
import { useHubStatus } from './useHubStatus'

/** One line when no hub answers, with ways on: another address, ModelScope, a file, the starter model. */
export function HubBanner({ onModelScope }: { onModelScope: (() => void) | null }) {
  const { discover, common } = useMessages()
  const settings = useLive(settingsLive)
  const models = useLive(libraryLive) ?? []
  const [address, setAddress] = useState<string | null>(null)
  const [error, setError] = useState<unknown>(null)
  const chat = useChatWith()
  const tell = useTellAdded()
  const status = useHubStatus()
  const offline = settings?.offline ?? false
  const why = useErrorWords(status.data?.error)
  if (!offline && (status.data === undefined || status.data.reachable)) return null
  const starter = models.find((model) => model.demonstration === 'starter' && model.state !== 'missing')
  const save = () => {
    setError(null)
    const endpoint = address?.trim() || null
    void client.app
      .setSettings({ endpoint })
      .then(() => {
        setAddress(null)
        // Another address is another question; asked under the old one, its answer would be kept for that.
        return endpoint === (settings?.endpoint ?? null) ? status.refetch() : undefined
      })
      .catch(setError)
  }
  return (
    <div className="hub-banner" role="status">
      <div className="row wrap">
        <CloudOff className="i s" aria-hidden="true" />
        <span className="grow col">
          <span>{offline ? discover.hubOffline : discover.hubDown({ endpoint: status.data?.endpoint ?? '' })}</span>
          {/* That it does not answer is said already. */}
          {!offline && status.data?.error != null && status.data.error.code !== 'hub/unreachable' && (
            <span>
              {why.title}
              {common.fullStop}
              {why.action}
            </span>
          )}
        </span>
        {offline ? (
          <Button size="s" onClick={() => void client.app.setSettings({ offline: false })}>
            {discover.goOnline}
          </Button>
        ) : (
          <>
            <Button size="s" onClick={() => void status.refetch()}>
              {common.retry}
            </Button>
            <Button
              size="s"
              aria-expanded={address !== null}
              onClick={() => setAddress(address === null ? (settings?.endpoint ?? '') : null)}
            >
              {discover.hubAddress}
            </Button>
            {onModelScope !== null && (
              <Button size="s" onClick={onModelScope}>
                {discover.searchModelScope}
              </Button>
            )}
          </>
        )}
        <Button size="s" onClick={() => void client.library.addFiles().then(tell).catch(setError)}>
          {discover.addFile}
        </Button>
        {starter !== undefined && (
          <Button size="s" title={discover.starterHint} onClick={() => chat(starter.id)}>
            {discover.starter}
          </Button>
        )}
      </div>
      {address !== null && (
        <form
          className="row"
          onSubmit={(event) => {
            event.preventDefault()
            save()
          }}
        >
          <input
            className="field grow"
            inputMode="url"
            aria-label={discover.hubAddressLabel}
            placeholder={discover.hubAddressPlaceholder}
            value={address}
            onChange={(event) => setAddress(event.target.value)}
          />
          <Button size="m" type="submit">
            {discover.hubUse}
          </Button>
        </form>
      )}
      {error !== null && <ErrorNotice error={error} />}
    </div>
  )
}
