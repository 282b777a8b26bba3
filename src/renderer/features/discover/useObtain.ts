import { normalQuantizationName } from '@shared/domain/quantization'
import { SnugError } from '@shared/errors'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { client } from '../../lib/client'
import type { Offer } from './matching'

/** Starts a download, asking the repository for the file's name where the catalogue does not know it; loads what is there. */
export function useObtain(): { download: (offer: Offer) => void; chat: (modelId: string) => void; error: unknown; asking: boolean } {
  const [error, setError] = useState<unknown>(null)
  const [asking, setAsking] = useState(false)
  const [, go] = useLocation()
  const download = async ({ repository, file, quantization }: Offer) => {
    if (repository === null) return
    setError(null)
    setAsking(true)
    try {
      const found = file ?? (await fileOf(repository, quantization))
      await client.downloads.start({ repository, file: found })
    } catch (thrown) {
      setError(thrown)
    } finally {
      setAsking(false)
    }
  }
  return {
    asking,
    error,
    download: (offer) => void download(offer),
    chat: (modelId) => {
      setError(null)
      // The load goes on in main; the chat page shows its progress.
      void client.app
        .setSettings({ lastModelId: modelId })
        .then(() => {
          go('/chat')
          return client.engine.load({ modelId })
        })
        .catch(setError)
    },
  }
}

async function fileOf(repository: string, quantization: string): Promise<string> {
  const { groups } = await client.discover.files({ repository })
  const wanted = normalQuantizationName(quantization)
  const group = groups.find((entry) => normalQuantizationName(entry.quantization) === wanted)
  if (group === undefined) throw new SnugError('hub/not-found', `${repository} has no ${quantization}`)
  return group.file
}
