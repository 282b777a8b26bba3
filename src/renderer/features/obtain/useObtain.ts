import type { FitReport } from '@shared/domain/fit'
import { normalQuantizationName } from '@shared/domain/quantization'
import { sourceKind } from '@shared/domain/source'
import { SnugError } from '@shared/errors'
import { useState } from 'react'
import { client } from '../../lib/client'
import { errorValueOf } from '../../lib/errors'
import { useMessages } from '../../lib/i18n'
import { toast } from '../../ui'
import type { Offer } from '../../lib/offer'

/** A header is some megabytes: who has a slow line does not wait longer for it, and downloads. */
const exactWithinMs = 8_000

/**
 * Starts a download, with a chat after it where that is asked for; the repository is asked for the file's name where the catalogue does not
 * know it.
 * `tooBig`: the file's own header says that it will not run after all; asked once more, it is downloaded all the same.
 */
export function useObtain(): {
  download: (offer: Offer, thenChat: boolean) => void
  error: unknown
  asking: boolean
  tooBig: FitReport | null
} {
  const [error, setError] = useState<unknown>(null)
  const [tooBig, setTooBig] = useState<FitReport | null>(null)
  const [asking, setAsking] = useState(false)
  const { discover } = useMessages()
  const download = async ({ repository, file, quantization, said, here }: Offer, thenChat: boolean) => {
    if (repository === null) return
    setError(null)
    // Chosen on a simulated machine: what this one says comes first.
    if (here?.verdict === 'too-big' && tooBig === null) return setTooBig(here)
    setAsking(true)
    try {
      // The row of an address is about its header already.
      if (sourceKind(repository) === 'address') {
        const { here: path } = await client.downloads.startAddress({ address: repository, thenChat })
        if (path !== undefined && !thenChat) toast(discover.alreadyHere({ path }))
        return
      }
      const found = file ?? (await fileOf(repository, quantization))
      if (said?.runs === true && tooBig === null) {
        const fit = await exactFit(repository, found, said)
        if (fit?.verdict === 'too-big') return setTooBig(fit)
      }
      setTooBig(null)
      const started = await client.downloads.start({ repository, file: found, thenChat }).catch(async (thrown: unknown) => {
        // Renamed since the catalogue was written: the listing has it under its quantization.
        if (file === null || errorValueOf(thrown).code !== 'hub/not-found') throw thrown
        return await client.downloads.start({ repository, file: await fileOf(repository, quantization), thenChat })
      })
      if (started.here !== undefined && !thenChat) toast(discover.alreadyHere({ path: started.here }))
    } catch (thrown) {
      setError(thrown)
    } finally {
      setAsking(false)
    }
  }
  return {
    asking,
    error,
    tooBig,
    download: (offer, thenChat) => void download(offer, thenChat),
  }
}

/** null where the header cannot be had soon: then what the row says stands. */
async function exactFit(repository: string, file: string, said: NonNullable<Offer['said']>): Promise<FitReport | null> {
  const { contextSize, kvCacheType } = said
  try {
    const exact = await client.discover.exact(
      { repository, file, contextSize, kvCacheType },
      { signal: AbortSignal.timeout(exactWithinMs) },
    )
    return exact.fit
  } catch {
    // No ranges, no answer, too slow: the download itself says what is wrong.
    return null
  }
}

async function fileOf(repository: string, quantization: string): Promise<string> {
  const { groups } = await client.discover.files({ repository })
  const wanted = normalQuantizationName(quantization)
  const group = groups.find((entry) => normalQuantizationName(entry.quantization) === wanted)
  if (group === undefined) throw new SnugError('hub/not-found', `${repository} has no ${quantization}`)
  return group.file
}
