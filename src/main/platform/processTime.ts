import { readFileSync } from 'node:fs'

/** Milliseconds in one clock tick of /proc: USER_HZ is 100 on every Linux that Node runs on (proc_pid_stat(5), sysconf _SC_CLK_TCK). */
const tickMs = 10

/** Processor time that a process has used in all its threads; null where the system does not tell it of other processes. */
export function cpuMsOf(pid: number | undefined): number | null {
  if (pid === undefined || process.platform !== 'linux') return null
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // fields 14 and 15 (user and system time); the name in field 2 may hold spaces and brackets
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = Number(fields[11]) + Number(fields[12])
    return Number.isFinite(ticks) ? ticks * tickMs : null
  } catch {
    // the process is gone: whoever asks hears of that elsewhere
    return null
  }
}
