import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { SnugError } from '@shared/errors'
import { moveToLinuxTrash } from './linuxTrash'

const run = promisify(execFile)

/** The system's trash without Electron, for the command line. */
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
  await moveToLinuxTrash(path)
}
