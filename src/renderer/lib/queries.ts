import { QueryClient, useQuery } from '@tanstack/react-query'
import { client } from './client'

/** Everything is local: a failed call says so at once, and nothing is refetched because a window was focused. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { retry: false, refetchOnWindowFocus: false, staleTime: 30_000, networkMode: 'always' },
    mutations: { networkMode: 'always' },
  },
})

export function useAppInfo() {
  return useQuery({ queryKey: ['app.info'], queryFn: () => client.app.info(), staleTime: Number.POSITIVE_INFINITY })
}
