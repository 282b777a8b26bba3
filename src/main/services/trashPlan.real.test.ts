import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { trashPlan } from './trashPlan'

const root = realpathSync(mkdtempSync(join(tmpdir(), 'snug 回收-')))
let home: string
beforeEach(() => void (home = mkdtempSync(join(root, 'home-'))))
afterAll(() => rmSync(root, { recursive: true, force: true }))

function put(path: string, bytes: number): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, 'x'.repeat(bytes))
  return path
}
/** A relative link, as the Hugging Face tools make them. */
function link(path: string, to: string): string {
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(relative(dirname(path), to), path)
  return path
}

describe('what goes to the trash', () => {
  it('is each part of a split model that is there, and their size together', async () => {
    const parts = [1, 2, 3].map((part) => join(home, `m-0000${part}-of-00003.gguf`))
    put(parts[0] ?? '', 5)
    put(parts[2] ?? '', 7)
    expect(await trashPlan(parts[0] ?? '')).toEqual({ paths: [parts[0], parts[2]], sizeBytes: 12, stays: [] })
  })

  it('is the link alone where it leads out of the folder, also from a folder that is only called snapshots', async () => {
    const shared = put(join(home, 'shared', 'y.gguf'), 9)
    for (const at of [join('watched', 'x.gguf'), join('models--a--b', 'snapshots', 'c'.repeat(40), 'x.gguf')]) {
      const path = link(join(home, at), shared)
      expect(await trashPlan(path)).toEqual({ paths: [path], sizeBytes: 0, stays: [shared] })
    }
  })

  it('is link and blob of a Hugging Face cache, but no blob that another snapshot shows', async () => {
    const base = join(home, 'hub', 'models--maker--model')
    const blobs = ['f', 'e'].map((letter, at) => put(join(base, 'blobs', letter.repeat(64)), 10 + at))
    const name = (part: number) => `m-0000${part}-of-00002.gguf`
    const shown = (commit: string) => blobs.map((blob, at) => link(join(base, 'snapshots', commit.repeat(40), 'sub', name(at + 1)), blob))
    const links = shown('b')
    expect(await trashPlan(links[0] ?? '')).toEqual({ paths: [...links, ...blobs], sizeBytes: 21, stays: [] })
    const [, other = ''] = shown('a')
    expect(await trashPlan(links[0] ?? '')).toEqual({ paths: links, sizeBytes: 0, stays: blobs })
    unlinkSync(other)
    expect(await trashPlan(links[0] ?? '')).toEqual({ paths: [...links, blobs[1]], sizeBytes: 11, stays: [blobs[0]] })
  })
})
