import type { Settings } from '@shared/domain/settings'
import { useMessages } from '../../lib/i18n'
import { NumberRow, Section } from './Field'

/** As the network counts: powers of ten. */
const MB = 1_000_000

/** Limits that a running download obeys at once. */
export function DownloadsSection({ settings, save }: { settings: Settings; save: (patch: Partial<Settings>) => void }) {
  const { settings: words } = useMessages()
  const { downloadBytesPerSecond: speed } = settings
  return (
    <Section title={words.downloads}>
      <NumberRow
        label={words.speedLimit}
        hint={words.speedLimitHint}
        value={speed === null ? null : speed / MB}
        min={0.01}
        max={100_000}
        onSave={(value) => save({ downloadBytesPerSecond: value === null ? null : Math.round(value * MB) })}
      />
      <NumberRow
        label={words.connections}
        hint={words.connectionsHint}
        value={settings.downloadConnections}
        min={1}
        max={16}
        integer
        onSave={(downloadConnections) => save({ downloadConnections })}
      />
      <NumberRow
        label={words.filesAtOnce}
        hint={words.filesAtOnceHint}
        value={settings.downloadFiles}
        min={1}
        max={8}
        integer
        onSave={(downloadFiles) => save({ downloadFiles })}
      />
    </Section>
  )
}
