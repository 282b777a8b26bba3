import type { Readable } from 'node:stream'

/** What is done with a chunk; false: enough of it. */
export type Take = (chunk: Buffer) => boolean | Promise<boolean>

/**
 * Hands each chunk on in the moment in which it comes, until `take` says no; the stream stops only while a promise is waited for.
 * (`for await` costs several ticks for each 64 KiB, and copies what it finds waiting into one.)
 */
export async function readBody(body: Readable, take: Take): Promise<void> {
  const under: { way: Promise<boolean> | null } = { way: null }
  try {
    await new Promise<void>((resolve, reject) => {
      const goOn = (more: boolean) => {
        under.way = null
        if (more) body.resume()
        else resolve()
      }
      if (body.destroyed) return reject(body.errored ?? new Error('the connection ended early'))
      body.once('end', resolve)
      body.once('error', reject)
      // A stream that is destroyed without a word only closes.
      body.once('close', () => reject(new Error('the connection ended early')))
      body.on('data', (chunk: Buffer) => {
        try {
          const more = take(chunk)
          if (more === true) return
          body.pause()
          if (more === false) return resolve()
          under.way = more
          more.then(goOn, reject)
        } catch (error) {
          reject(error)
        }
      })
    })
  } finally {
    body.removeAllListeners('data').pause()
    // What is under way ends before anything else happens to where it goes.
    await under.way
  }
}
