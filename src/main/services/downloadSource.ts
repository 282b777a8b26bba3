import { once } from 'node:events'
import { sourceKind } from '@shared/domain/source'
import type { DownloadRow } from '../db/repositories/downloads'
import type { JobSpec } from '../platform/downloadTypes'
import { aboutOf, fileAddress } from '../platform/fileAddress'
import type { DownloadsDependencies } from './downloadNeeds'
import { specOf } from './downloadRows'

/** For the one request that shows whether the network is back. */
const answerMs = 10_000

type SourceNeeds = Pick<DownloadsDependencies, 'hub' | 'endpoints' | 'network'>

/** From where it comes now. What goes on at a start is there before anybody asked which endpoint answers. */
export async function specNow(
  { hub, endpoints }: SourceNeeds,
  row: DownloadRow,
  reserveBytes: number,
  signal?: AbortSignal,
): Promise<JobSpec> {
  const several = sourceKind(row.repository) === 'hub' ? endpoints : undefined
  if (several !== undefined) await Promise.race([several.ready(), ...(signal === undefined ? [] : [once(signal, 'abort')])])
  return { ...specOf(row, hub.endpointOf(row.repository), reserveBytes), mirrors: several?.mirrors() ?? [] }
}

/** One request for what the download would ask first. */
export async function answersNow(needs: SourceNeeds, row: DownloadRow): Promise<boolean> {
  const part = row.parts.find(({ done }) => !done)
  if (needs.network === undefined || part === undefined) return false
  const { endpoint } = await specNow(needs, row, 0)
  const address = fileAddress(endpoint, row.repository, part.revision ?? row.revision, part.file)
  const about = aboutOf(row.repository, part.file)
  return await needs.network.request(address, { method: 'HEAD', purpose: 'answers', about, timeoutMs: answerMs }).then(
    (response) => {
      response.close()
      return response.status < 500
    },
    // Whatever the reason is: the next look comes.
    () => false,
  )
}
