import type { FolderSpace } from '@shared/domain/library'
import { useQuery } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { client } from '../../lib/client'
import { size } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { libraryLive, settingsLive, useLive } from '../../lib/live'
import { IconButton } from '../../ui'

export function WatchedFolders({ onError }: { onError: (error: unknown) => void }) {
  const { library } = useMessages()
  const folders = useLive(settingsLive)?.watchedFolders ?? []
  const held = useLive(libraryLive)?.reduce((sum, { sizeBytes, state }) => sum + (state === 'missing' ? 0 : sizeBytes), 0)
  const spaces = useQuery({
    queryKey: ['library.space', folders, held],
    queryFn: () => client.library.space(),
    enabled: folders.length > 0,
    placeholderData: (before) => before,
  })
  if (folders.length === 0) return null
  return (
    <section className="section" aria-label={library.watched}>
      <h2 className="h2">{library.watched}</h2>
      <ul className="plain card flush">
        {folders.map((folder, index) => (
          <li key={folder} className="li">
            <span className="grow ell sel">{folder}</span>
            <SpaceBar space={spaces.data?.find(({ path }) => path === folder)} />
            <IconButton
              label={`${library.stopWatching}: ${folder}`}
              onClick={() => void client.library.removeFolder({ index }).catch(onError)}
            >
              <X className="i" aria-hidden="true" />
            </IconButton>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Of its disk: what the models of this folder take, what all else takes, what is free. */
function SpaceBar({ space }: { space: FolderSpace | undefined }) {
  const { care } = useMessages().library
  if (space === undefined) return null
  const { models, modelBytes, totalBytes, freeBytes } = space
  const share = (bytes: number) => ({ width: `${((Math.max(0, bytes) / Math.max(1, totalBytes)) * 100).toFixed(2)}%` })
  const text = care.folder({ count: models, size: size(modelBytes), free: size(freeBytes) })
  return (
    <span className="col folder-space" data-testid="folder-space">
      <span className="meter" role="img" aria-label={text}>
        <span className="tank">
          <i className="w" style={share(modelBytes)} />
          <i className="o" style={share(totalBytes - freeBytes - modelBytes)} />
        </span>
      </span>
      <span className="t3 f11 nw">{text}</span>
    </span>
  )
}
