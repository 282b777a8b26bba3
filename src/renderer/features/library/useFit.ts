import type { FitReport } from '@shared/domain/fit'
import { useQuery } from '@tanstack/react-query'
import { client } from '../../lib/client'
import { libraryLive, machineLive, useLive } from '../../lib/live'

/** Free memory rounded to a quarter GiB, so that a flicker does not ask again. */
const step = 256 * 1024 * 1024

/** What a library model would take now, beside what other programs hold; our own loaded model counts as given back. */
export function useFit(id: string, contextSize: number | null, enabled = true): FitReport | null {
  const report = useLive(machineLive)
  const free =
    report === undefined ? 0 : Math.round((report.ram.available + report.gpus.reduce((sum, gpu) => sum + (gpu.vramFree ?? 0), 0)) / step)
  // What is kept for the model changes what it takes.
  const kept = JSON.stringify(useLive(libraryLive)?.find((model) => model.id === id)?.preset?.load ?? null)
  const query = useQuery({
    queryKey: ['library.fit', id, contextSize, kept, free],
    queryFn: () => client.library.fit(contextSize === null ? { id } : { id, contextSize }),
    enabled,
    staleTime: 60_000,
    placeholderData: (previous) => previous,
  })
  return query.data ?? null
}
