import { execFile } from 'node:child_process'
import { mkdir, rename, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { SnugError } from '@shared/errors'

const run = promisify(execFile)

/** The system's trash without Electron, for the command line. Linux: the freedesktop.org trash specification's home trash. */
export async function moveToTrash(path: string): Promise<void> {
  if (process.platform === 'darwin') {
    await run('/usr/bin/osascript', [
      '-e',
      'on run argv',
      '-e',
      'tell application "Finder" to delete (POSIX file (item 1 of argv) as alias)',
      '-e',
      'end run',
      path,
    ])
    return
  }
  if (process.platform === 'win32')
    throw new SnugError('file/not-permitted', 'the command line has no trash on Windows: use the app, or delete the file yourself', {
      path,
    })
  const trash = join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'Trash')
  await mkdir(join(trash, 'files'), { recursive: true, mode: 0o700 })
  await mkdir(join(trash, 'info'), { recursive: true, mode: 0o700 })
  const deleted = new Date().toISOString().slice(0, 19)
  for (let copy = 1; copy < 10_000; copy++) {
    const name = copy === 1 ? basename(path) : `${basename(path)}.${copy}`
    try {
      // The info file is made first and never overwritten: it reserves the name.
      await writeFile(join(trash, 'info', `${name}.trashinfo`), `[Trash Info]\nPath=${encodeURI(path)}\nDeletionDate=${deleted}\n`, {
        flag: 'wx',
      })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue
      throw error
    }
    try {
      await rename(path, join(trash, 'files', name))
    } catch (error) {
      // Another disk: copying gigabytes into the home folder is not what anyone expects of a trash.
      if ((error as NodeJS.ErrnoException).code === 'EXDEV')
        throw new SnugError('file/not-permitted', 'the file lies on another disk than the trash', { path, bytes: (await stat(path)).size })
      throw error
    }
    return
  }
  throw new SnugError('file/not-permitted', 'the trash is full of files of that name', { path })
}
