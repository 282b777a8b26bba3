import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { moveToLinuxTrash } from './linuxTrash'

const uid = process.getuid?.() ?? 0
const root = realpathSync(mkdtempSync(join(tmpdir(), 'snug 回收站 ')))
const sharedMemory = existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync(root).dev
let home: string
let disk: string
beforeEach(() => {
  const place = mkdtempSync(join(root, 'case-'))
  home = join(place, 'home')
  disk = join(place, 'disk 盘')
  for (const folder of [home, join(disk, 'models')]) mkdirSync(folder, { recursive: true })
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

function put(name: string, content = `GGUF ${name}`): string {
  const path = join(disk, 'models', name)
  writeFileSync(path, content)
  return path
}
const trash = (path: string, mounts: string[] = [disk, '/']) => moveToLinuxTrash(path, { dataHome: join(home, 'data'), mounts, uid })
const infoIn = (folder: string, name: string) => readFileSync(join(folder, 'info', `${name}.trashinfo`), 'utf8')

describe.skipIf(process.platform === 'win32')('a file goes to the trash', () => {
  test('at home where that is its disk, with the whole path and the local time; a second one of that name beside it', async () => {
    const before = Date.now()
    for (const content of ['one', 'two']) await trash(put('m 模.gguf', content), ['/'])
    const folder = join(home, 'data', 'Trash')
    expect(readFileSync(join(folder, 'files', 'm 模.gguf'), 'utf8')).toBe('one')
    expect(readFileSync(join(folder, 'files', 'm 模.gguf.2'), 'utf8')).toBe('two')
    const [, place, at] =
      /^\[Trash Info\]\nPath=(.+)\nDeletionDate=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\n$/.exec(infoIn(folder, 'm 模.gguf')) ?? []
    expect(decodeURI(place ?? '')).toBe(join(disk, 'models', 'm 模.gguf'))
    // Read without a zone it is local time.
    expect(Math.abs(new Date(at ?? '').getTime() - before)).toBeLessThan(30_000)
  })

  test('of its own disk, named from the top of that disk', async () => {
    await trash(put('m.gguf'))
    const folder = join(disk, `.Trash-${uid}`)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(readdirSync(join(folder, 'files'))).toEqual(['m.gguf'])
    expect(infoIn(folder, 'm.gguf')).toContain('\nPath=models/m.gguf\n')
    expect(existsSync(join(home, 'data'))).toBe(false)
  })

  test('that is shared, only where that is sticky and no link', async () => {
    const shared = join(disk, '.Trash')
    mkdirSync(shared)
    await trash(put('plain.gguf'))
    chmodSync(shared, 0o1777)
    await trash(put('sticky.gguf'))
    rmSync(shared, { recursive: true })
    mkdirSync(join(home, 'mine'))
    chmodSync(join(home, 'mine'), 0o1777)
    symlinkSync(join(home, 'mine'), shared)
    await trash(put('link.gguf'))
    expect(readdirSync(join(disk, `.Trash-${uid}`, 'files')).sort()).toEqual(['link.gguf', 'plain.gguf'])
    expect(readdirSync(join(home, 'mine'))).toEqual([])
  })

  test('that is shared and sticky', async () => {
    mkdirSync(join(disk, '.Trash'))
    chmodSync(join(disk, '.Trash'), 0o1777)
    await trash(put('m.gguf'))
    expect(infoIn(join(disk, '.Trash', String(uid)), 'm.gguf')).toContain('\nPath=models/m.gguf\n')
  })

  test('or stays where it is, with what to do, and leaves no note behind', async () => {
    const path = put('m.gguf')
    writeFileSync(join(disk, `.Trash-${uid}`), 'no folder')
    await expect(trash(path)).rejects.toMatchObject({
      code: 'file/not-permitted',
      message: expect.stringContaining('delete the file yourself'),
    })
    expect(existsSync(path)).toBe(true)
    // A link that is given is moved, and what it leads to is not.
    const link = join(disk, 'models', 'link.gguf')
    symlinkSync(path, link)
    await trash(link, ['/'])
    expect([existsSync(path), existsSync(link)]).toEqual([true, false])
    await expect(trash(join(disk, 'models', 'none.gguf'), ['/'])).rejects.toMatchObject({ code: 'file/not-permitted' })
    expect(readdirSync(join(home, 'data', 'Trash', 'info'))).toEqual(['link.gguf.trashinfo'])
  })

  test.skipIf(!sharedMemory)('of a real other disk', async () => {
    const name = `${basename(root)}.gguf`
    const path = join('/dev/shm', name)
    const folder = join('/dev/shm', `.Trash-${uid}`)
    const was = existsSync(folder)
    writeFileSync(path, 'GGUF')
    try {
      await moveToLinuxTrash(path, { dataHome: home })
      expect(existsSync(path)).toBe(false)
      expect(infoIn(folder, name)).toContain(`\nPath=${encodeURI(name)}\n`)
      expect(readFileSync(join(folder, 'files', name), 'utf8')).toBe('GGUF')
    } finally {
      for (const left of [path, join(folder, 'files', name), join(folder, 'info', `${name}.trashinfo`)]) rmSync(left, { force: true })
      if (!was) rmSync(folder, { recursive: true, force: true })
    }
  })
})
