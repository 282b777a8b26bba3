import type { Command } from 'commander'
import type { CatalogInfo } from '@shared/ipc/discover'
import type { Output } from '../output'
import { command } from '../run'
import { help } from '../words'

function catalogText({ updated, models, fetched }: CatalogInfo, { words }: Output): string {
  const from = fetched === null ? words.cli.catalogShipped : words.cli.catalogFetched({ address: fetched.address })
  return words.cli.catalogLine({ updated, models, from })
}

/** `snug catalog`: which catalogue counts; a newer one is fetched only where `--update` asks for it. */
export function addCatalog(program: Command): void {
  program
    .command('catalog')
    .description(help.commands.catalog)
    .option('--update [address]', help.catalogUpdate)
    .option('--shipped', help.catalogShipped)
    .action(
      command(async ({ core, out, signal }, { update, shipped = false }: { update?: string | true; shipped?: boolean }) => {
        if (shipped) core.catalog.revert()
        const info = update === undefined ? core.catalog.info() : await core.catalog.update(update === true ? null : update, signal)
        out.result(info, () => catalogText(info, out))
      }),
    )
}
