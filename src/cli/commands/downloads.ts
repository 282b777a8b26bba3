import type { Command } from 'commander'
import { formatBytes, formatDuration } from '@shared/domain/format'
import type { Download } from '@shared/domain/library'
import { chooseGroup, parseReference } from '../modelTarget'
import type { Output } from '../output'
import { type Run, command } from '../run'

function progress(download: Download, { words, language }: Output): string {
  return words.cli.downloading({
    done: formatBytes(download.receivedBytes, language),
    total: formatBytes(download.totalBytes, language),
    speed: download.bytesPerSecond === null ? '' : words.cli.speed({ speed: formatBytes(download.bytesPerSecond, language) }),
    left: download.secondsLeft === null ? '' : words.cli.left({ time: formatDuration(download.secondsLeft * 1_000, language) }),
  })
}

export function addDownloads(program: Command): void {
  program
    .command('search')
    .argument('<query>', 'words')
    .description('GGUF repositories of the hub')
    .option('--endpoint <url>', 'address of a hub (HF_ENDPOINT)')
    .action(
      command(async ({ core, out }: Run, query: string, { endpoint }: { endpoint?: string }) => {
        if (endpoint !== undefined) core.useEndpoint(endpoint)
        const hits = await core.discover.search(query)
        out.result(hits, () => hits.map((hit) => `${hit.repository}${hit.downloads === null ? '' : `  ↓ ${hit.downloads}`}`).join('\n'))
      }),
    )

  program
    .command('pull')
    .argument('<repository>', 'OWNER/NAME or OWNER/NAME:QUANTIZATION')
    .description('download a model, verified; a pull that is started again goes on')
    .option('--to <dir>', 'folder for the file')
    .option('--endpoint <url>', 'address of a hub (HF_ENDPOINT)')
    .action(
      command(async ({ core, out, signal }: Run, reference: string, { to, endpoint }: { to?: string; endpoint?: string }) => {
        if (endpoint !== undefined) core.useEndpoint(endpoint)
        if (to !== undefined) core.useModelsFolder(to)
        const { repository, quantization } = parseReference(reference)
        const { file } = chooseGroup(await core.discover.listing(repository), quantization)
        const { id } = await core.downloads.start({ repository, file })
        const stop = () => void core.downloads.pause(id)
        signal.addEventListener('abort', stop, { once: true })
        const download = await core.downloads.waitFor(id, (state) => out.progress(progress(state, out)), signal)
        const model = core.library.list().find((item) => item.id === download.modelId)
        out.result({ ...download, path: model?.path ?? null }, () => out.words.cli.pulled({ path: model?.path ?? file }))
      }),
    )
}
