/**
 * Which process is this, and does that one still run?
 *
 * A process id alone is not enough: it is given again after a crash, and means another process in another container. So an
 * owner is one boot of one machine, a pid namespace, an id and a start time. Where the system tells none of these, the
 * answer is `unknown` and the caller must rely on the heartbeat.
 */
import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { systemName } from '../platform.ts'

export interface ProcessIdentity {
  /** A digest that stands for one boot of one machine; for the machine where the system does not tell boots apart. */
  readonly boot: string
  /** The inode of the pid namespace (Linux), empty where there are none. */
  readonly namespace: string
  readonly pid: number
  /** Clock ticks between boot and the start of the process (Linux), empty where the system does not tell. */
  readonly startTime: string
}

let self: ProcessIdentity | undefined

export function ownIdentity(): ProcessIdentity {
  self ??= Object.freeze({ ...ownRealm(), pid: process.pid, startTime: startTimeOf(process.pid) ?? '' })
  return self
}

/** Whether the owner is alive: `unknown` when it lives where we cannot look, or when the id might be another process. */
export function isRunning(owner: ProcessIdentity): 'yes' | 'no' | 'unknown' {
  const own = ownIdentity()
  if (owner.boot !== own.boot || owner.namespace !== own.namespace) return 'unknown'
  const startTime = startTimeOf(owner.pid)
  if (owner.startTime !== '' && startTime === owner.startTime) return 'yes'
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ESRCH') return 'no'
    // Another user's process, which `/proc` mounted with hidepid does not show.
    if (startTime === undefined) return 'unknown'
  }
  if (owner.startTime !== '') return 'no'
  return owner.pid === process.pid ? 'yes' : 'unknown'
}

/** Whether the owner ran under this boot of this machine, in whatever container. */
export function sharesKernel({ boot }: ProcessIdentity): boolean {
  return boot === ownIdentity().boot
}

function ownRealm(): Pick<ProcessIdentity, 'boot' | 'namespace'> {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const [, namespace = ''] = /^pid:\[(\d+)\]$/.exec(readlinkSync('/proc/self/ns/pid')) ?? []
    return { boot: digest(boot), namespace }
  } catch {
    return { boot: digest(`${systemName} ${hostname()}`), namespace: '' }
  }
}

/** Short enough for the name of a lock's owner, long enough that no two machines share it. */
function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 11)
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
