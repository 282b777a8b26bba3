import { open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { firstBytes } from './ggufEntries'
import { firstPartOf, inspectFile, readHeaderOfFile } from './ggufFile'

/**
 * A model without its weights: the header, then a hole to the full length. llama.cpp allocates for it what it would for the real file,
 * since no buffer depends on what the weights say. Gigabytes in size, the vocabulary on the disk. Gives the path to load.
 */
export async function writeEmptyCopy(path: string, folder: string): Promise<string> {
  const first = firstPartOf(path)
  const { parts } = await inspectFile(first)
  for (const name of parts) {
    const source = join(dirname(first), name)
    const header = await readHeaderOfFile(source)
    const handle = await open(join(folder, name), 'wx', 0o600)
    try {
      const bytes = await firstBytes(source, header.dataOffset)
      await handle.write(bytes, 0, bytes.length, 0)
      await handle.truncate(header.fileSize)
    } finally {
      await handle.close()
    }
  }
  return join(folder, basename(first))
}
