import type { Settings, ThemeChoice } from '@shared/domain/settings'
import { X } from 'lucide-react'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { client } from '../../lib/client'
import { runCommand } from '../../lib/commands'
import { useMessages } from '../../lib/i18n'
import { settingsLive, useLive } from '../../lib/live'
import { useAppInfo } from '../../lib/queries'
import { Button, ErrorNotice, IconButton, MemorySetting, Page, Segmented } from '../../ui'
import { useTellAdded } from '../library'
import { NumberRow, Row, Section } from './Field'
import { CatalogSection } from './CatalogSection'
import { DownloadsSection } from './DownloadsSection'
import { NetworkSection } from './NetworkSection'
import { TokensSection } from './TokensSection'
import './settings.css'

/** `part`: what the way here was about. */
export function SettingsPage({ part = null }: { part?: string | null }) {
  const { settings: words } = useMessages()
  const settings = useLive(settingsLive)
  const [error, setError] = useState<unknown>(null)
  const save = (patch: Parameters<typeof client.app.setSettings>[0]) => {
    setError(null)
    client.app.setSettings(patch).catch(setError)
  }
  return (
    <Page title={words.title}>
      <div className="settings">
        {error !== null && <ErrorNotice error={error} />}
        {settings !== undefined && (
          <>
            <Look settings={settings} save={save} />
            <Models settings={settings} save={save} onError={setError} />
            <CatalogSection />
            <DownloadsSection settings={settings} save={save} />
            <NetworkSection settings={settings} save={save} />
            <TokensSection settings={settings} asked={part === 'tokens'} />
          </>
        )}
        <About onError={setError} />
      </div>
    </Page>
  )
}

interface PartProps {
  settings: Settings
  save: (patch: Partial<Settings>) => void
}

function Look({ settings, save }: PartProps) {
  const { settings: words } = useMessages()
  return (
    <Section title={words.look}>
      <Row label={words.language}>
        <Segmented
          label={words.language}
          value={settings.language ?? 'system'}
          options={[
            { value: 'system', label: words.languageSystem },
            { value: 'en', label: <span lang="en">English</span> },
            { value: 'zh-CN', label: <span lang="zh-CN">简体中文</span> },
          ]}
          onChange={(value) => save({ language: value === 'system' ? null : value })}
        />
      </Row>
      <Row label={words.theme}>
        <Segmented<ThemeChoice>
          label={words.theme}
          value={settings.theme}
          options={[
            { value: 'system', label: words.themeSystem },
            { value: 'light', label: words.themeLight },
            { value: 'dark', label: words.themeDark },
          ]}
          onChange={(theme) => save({ theme })}
        />
      </Row>
    </Section>
  )
}

function Models({ settings, save, onError }: PartProps & { onError: (error: unknown) => void }) {
  const { settings: words } = useMessages()
  const tell = useTellAdded()
  return (
    <Section title={words.models}>
      <NumberRow
        label={words.context}
        hint={words.contextHint}
        value={settings.contextSize}
        min={256}
        max={10_000_000}
        integer
        onSave={(contextSize) => save({ contextSize })}
      />
      <Row label={words.reserve} hint={words.reserveHint}>
        <MemorySetting label={words.reserve} bytes={settings.reserveBytes} onSave={(reserveBytes) => save({ reserveBytes })} />
      </Row>
      <Row label={words.folder} hint={settings.modelsFolder ?? words.folderDefault}>
        <Button onClick={() => void client.library.chooseModelsFolder().catch(onError)}>{words.choose}</Button>
      </Row>
      <Row label={words.watched} hint={words.watchedHint}>
        <Button onClick={() => void client.library.addFolder().then(tell).catch(onError)}>{words.addFolder}</Button>
      </Row>
      {settings.watchedFolders.map((folder, index) => (
        <div key={folder} className="set-row under">
          <span className="ell sel">{folder}</span>
          <IconButton label={`${words.stopWatching}: ${folder}`} onClick={() => void client.library.removeFolder({ index }).catch(onError)}>
            <X className="i" aria-hidden="true" />
          </IconButton>
        </div>
      ))}
    </Section>
  )
}

function About({ onError }: { onError: (error: unknown) => void }) {
  const { settings: words, common } = useMessages()
  const [, go] = useLocation()
  const info = useAppInfo().data
  return (
    <Section title={words.about}>
      {info !== undefined && (
        <>
          <Row label={words.version}>
            <span className="sel">
              {common.appName} {info.version}
            </span>
          </Row>
          <Row label={words.runtime} hint={info.fallbackRuntime ? words.fallback : undefined}>
            <span className="sel">{info.electron}</span>
          </Row>
          <Row label={words.dataDir}>
            <span className="sel mono break">{info.dataDir}</span>
          </Row>
          <Row label={words.cacheDir}>
            <span className="sel mono break">{info.cacheDir}</span>
          </Row>
        </>
      )}
      <div className="set-row">
        <div className="row wrap">
          <Button onClick={() => void client.app.showLogs().catch(onError)}>{words.showLogs}</Button>
          <Button onClick={() => runCommand('show-keys')}>{words.showKeys}</Button>
          <Button onClick={() => go('/welcome')}>{words.welcomeAgain}</Button>
        </div>
      </div>
    </Section>
  )
}
