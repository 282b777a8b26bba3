import type { Command } from 'commander'
import { isAddress, readAddress } from '@shared/domain/address'
import { formatCount, formatParameters } from '@shared/domain/format'
import type { SearchHit } from '@shared/domain/library'
import { licenceChoices } from '@shared/domain/search'
import type { SizeClassId } from '@shared/domain/sizeClass'
import type { Core } from '../../main/core'
import { usageError } from '../failure'
import { chooseGroup, chooseProjector, parseReference } from '../modelTarget'
import { addressOfHub, oneOf } from '../options'
import type { Output } from '../output'
import { pullProgress } from '../pullProgress'
import { type Run, command } from '../run'
import { help } from '../words'

interface SearchFlags {
  size?: SizeClassId
  fits?: boolean
  licence?: string
  language?: string
  endpoint?: string
}

function hitLine(hit: SearchHit, { words, language }: Output): string {
  const facts = [
    hit.parameters === null ? null : formatParameters(hit.parameters, language),
    hit.licence,
    hit.gated ? words.cli.searchGated : null,
    hit.fits === false ? words.common.willNotRun : null,
    hit.downloads === null ? null : `↓ ${formatCount(hit.downloads, language)}`,
  ]
  return [hit.repository, ...facts.filter((fact) => fact !== null)].join('  ')
}

interface PullFlags {
  to?: string
  endpoint?: string
  mmproj?: boolean
}

/** The files that a pull is about: the model's, and its projector's where that is wanted. */
async function filesOf(
  core: Core,
  reference: string,
  mmproj: boolean,
): Promise<{ repository: string; file: string | null; projector: string | null }> {
  const pasted = isAddress(reference)
    ? readAddress(reference, core.hubs())
    : ({ kind: 'repository', ...parseReference(reference) } as const)
  if (pasted.kind === 'file' || pasted.kind === 'other') {
    if (mmproj) throw usageError('mmproj')
    return { repository: reference, file: null, projector: null }
  }
  const { repository } = pasted
  // A file that is named needs no listing here: the download looks it up.
  if (pasted.kind === 'hub-file' && !mmproj) return { repository, file: pasted.file, projector: null }
  const listing = await core.discover.listing(repository)
  const file = pasted.kind === 'hub-file' ? pasted.file : chooseGroup(listing, pasted.quantization).file
  return { repository, file, projector: mmproj ? chooseProjector(listing) : null }
}

export function addDownloads(program: Command): void {
  program
    .command('search')
    .argument('<query>', help.query)
    .description(help.commands.search)
    .option('--size <class>', help.size, oneOf('light', 'medium', 'heavy'))
    .option('--fits', help.fits)
    .option('--licence <name>', help.licenceKinds({ list: licenceChoices.join(', ') }))
    .option('--language <code>', help.spoken)
    .option('--endpoint <url>', help.endpoint, addressOfHub)
    .action(
      command(async ({ core, out }: Run, query: string, flags: SearchFlags) => {
        if (flags.endpoint !== undefined) core.useEndpoint(flags.endpoint)
        const { size = null, licence = null, language = null, fits: fitsOnly = false } = flags
        const { hits, unknown, more } = await core.discover.search(query, { size, licence, language, fitsOnly })
        const words = out.words.cli
        if (hits.length === 0) out.note(out.words.discover.hitsNone)
        if (unknown > 0) out.note(words.searchUnknown({ count: unknown }))
        if (more) out.note(words.searchMore)
        out.result(hits, () => hits.map((hit) => hitLine(hit, out)).join('\n'))
      }),
    )

  program
    .command('pull')
    .argument('<repository>', help.repository)
    .description(help.commands.pull)
    .option('--to <dir>', help.to)
    .option('--endpoint <url>', help.endpoint, addressOfHub)
    .option('--mmproj', help.mmproj)
    .action(
      command(async ({ core, out, signal }: Run, reference: string, { to, endpoint, mmproj = false }: PullFlags) => {
        if (endpoint !== undefined) core.useEndpoint(endpoint)
        if (to !== undefined) core.useModelsFolder(to)
        const { repository, file, projector } = await filesOf(core, reference, mmproj)
        const pull = async (wanted: string) => {
          const { id, here } = await (file === null
            ? core.downloads.startAddress(repository)
            : core.downloads.start({ repository, file: wanted }))
          const stop = () => void core.downloads.pause(id)
          signal.addEventListener('abort', stop, { once: true })
          const download = await core.downloads.waitFor(id, pullProgress(out), signal)
          return { download, placed: here ?? core.downloads.pathOf(id), here }
        }
        const { download, placed, here } = await pull(file ?? '')
        const model = core.library.list().find((item) => item.id === download.modelId)
        const beside = projector === null ? null : (await pull(projector)).placed
        const shown = {
          ...download,
          path: model?.path ?? null,
          verified: file !== null,
          alreadyHere: here !== undefined,
          ...(beside === null ? {} : { projector: beside }),
        }
        out.result(shown, () =>
          here !== undefined && beside === null
            ? out.words.cli.alreadyHere({ path: here })
            : file === null
              ? out.words.cli.pulledUnverified({ path: model?.path ?? placed })
              : [model?.path ?? file, beside].flatMap((path) => (path === null ? [] : [out.words.cli.pulled({ path })])).join('\n'),
        )
      }),
    )
}
