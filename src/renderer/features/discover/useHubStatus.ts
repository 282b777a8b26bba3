import { hfMirror, huggingFace } from '@shared/domain/settings'
import { useQuery } from '@tanstack/react-query'
import { client } from '../../lib/client'
import { settingsLive, useLive } from '../../lib/live'

/** Whether the hub that the settings name answers; asked once for all who want to know. */
export function useHubStatus() {
  const settings = useLive(settingsLive)
  return useQuery({
    queryKey: ['discover.hubStatus', settings?.endpoint, settings?.endpointAutomatic, settings?.offline],
    queryFn: () => client.discover.hubStatus(),
    staleTime: 60_000,
  })
}

/** A mirror has the same models; any other hub is called by its host. */
export function hubName(endpoint: string | null): string {
  if (endpoint === null || endpoint === huggingFace || endpoint === hfMirror || !URL.canParse(endpoint)) return 'Hugging Face'
  return new URL(endpoint).host
}
