/**
 * Which process is this, and does that one still run?
 *
 * A process id alone is not enough: it is given again after a crash, and means another process in another container. So an
 * owner is a realm (one boot of one machine, one pid namespace), an id and a start time. Where the system tells none of
 * these, the answer is `unknown` and the caller must rely on the heartbeat.
 */
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

export interface ProcessIdentity {
  readonly realm: string
  readonly pid: number
  /** Clock ticks between boot and the start of the process (Linux), empty where the system does not tell. */
  readonly startTime: string
}

let self: ProcessIdentity | undefined

export function ownIdentity(): ProcessIdentity {
  self ??= Object.freeze({ realm: realmOfThisProcess(), pid: process.pid, startTime: startTimeOf(process.pid) ?? '' })
  return self
}

/** Whether the owner is alive: `unknown` when it lives where we cannot look, or when the id might be another process. */
export function isRunning(owner: ProcessIdentity): 'yes' | 'no' | 'unknown' {
  if (owner.realm !== ownIdentity().realm) return 'unknown'
  if (owner.startTime !== '') return startTimeOf(owner.pid) === owner.startTime ? 'yes' : 'no'
  try {
    process.kill(owner.pid, 0)
    return owner.pid === process.pid ? 'yes' : 'unknown'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'no' : 'unknown'
  }
}

/** Whether the owner ran under this boot of this machine, in whatever container. */
export function sharesKernel({ realm }: ProcessIdentity): boolean {
  const own = ownIdentity().realm
  return realm === own || (linuxBoot(realm) !== undefined && linuxBoot(realm) === linuxBoot(own))
}

function linuxBoot(realm: string): string | undefined {
  return /^(\S+) pid:\[\d+\]$/.exec(realm)?.[1]
}

function realmOfThisProcess(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return `${process.platform} ${hostname()}`
  }
}

/** Field 22 of `/proc/<pid>/stat` (proc_pid_stat(5)); nothing for a process that has ended, a zombie included. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in field 2 may hold spaces and parentheses; everything after the last one is plain.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch {
    return undefined
  }
}
