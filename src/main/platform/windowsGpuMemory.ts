import { execFile } from 'node:child_process'
import { win32 } from 'node:path'
import type { Bytes } from '@shared/domain/units'

/**
 * RAM that a process's buffers on graphics cards lie in: "Shared GPU memory" of Windows' Task Manager, from Windows 10 1709 on ("GPUs in the
 * task manager", Microsoft's DirectX blog). Asked by its WMI class, whose name is the same in every language; paths of counters
 * (`\GPU Process Memory(*)\Shared Usage`) are translated.
 */
const question =
  'Get-CimInstance -ClassName Win32_PerfFormattedData_GPUPerformanceCounters_GPUProcessMemory -Property Name,SharedUsage -OperationTimeoutSec 4 |' +
  ' Select-Object Name,SharedUsage | ConvertTo-Json -Compress'

/** PowerShell itself takes a second to start. */
const limitMs = 6000
/** A reply a second must not start a PowerShell a second. */
const keptMs = 30_000

/** By its full path: another program of that name may stand earlier in the search path. */
function powershell(): string {
  return win32.join(process.env.SystemRoot ?? 'C:\\Windows', 'System32', 'WindowsPowerShell', 'v1.0', 'powershell.exe')
}

/** null where nobody says: an older Windows or driver, no answer in time, or no row of this process. */
export function readSharedUsage(pid: number, program = powershell(), timeoutMs = limitMs): Promise<Bytes | null> {
  const args = ['-NoProfile', '-NonInteractive', '-Command', question]
  return new Promise((resolve) => {
    const child = execFile(program, args, { timeout: timeoutMs, killSignal: 'SIGKILL', windowsHide: true }, (error, stdout) =>
      resolve(error === null ? parseSharedUsage(stdout, pid) : null),
    )
    child.on('error', () => {
      // The callback above answers; without a listener it would be thrown.
    })
  })
}

/** A row per process and card: `{"Name":"pid_4242_luid_0x00000000_0x0001D6F4_phys_0","SharedUsage":73400320}`; alone it stands without brackets. */
export function parseSharedUsage(stdout: string, pid: number): Bytes | null {
  let answer: unknown
  try {
    answer = JSON.parse(stdout)
  } catch {
    // No class of that name: PowerShell prints nothing here.
    return null
  }
  const rows: unknown[] = Array.isArray(answer) ? answer : [answer]
  const own = rows.flatMap((row) => {
    const { Name: name, SharedUsage: bytes } = (row ?? {}) as { Name?: unknown; SharedUsage?: unknown }
    return typeof name === 'string' && name.startsWith(`pid_${pid}_`) && typeof bytes === 'number' && bytes >= 0 ? [bytes] : []
  })
  return own.length === 0 ? null : own.reduce((sum, bytes) => sum + bytes, 0)
}

/** The same figure for a while. A process that is not there yet uses nothing, and nobody is asked. */
export function sharedUsage(
  read: (pid: number) => Promise<Bytes | null> = readSharedUsage,
  now: () => number = Date.now,
): (pid: number | undefined) => Promise<Bytes | null> {
  let last: { pid: number; at: number; bytes: Promise<Bytes | null> } | null = null
  return (pid) => {
    if (pid === undefined) return Promise.resolve(0)
    if (last === null || last.pid !== pid || now() - last.at >= keptMs) last = { pid, at: now(), bytes: read(pid) }
    return last.bytes
  }
}
