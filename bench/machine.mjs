// What the figures were measured on, and what this process has used.
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'

export function machineFacts(bubblewrap) {
  return {
    date: new Date().toISOString(),
    node: process.version,
    v8: process.versions.v8,
    libuv: process.versions.uv,
    kernel: release(),
    architecture: process.arch,
    processor: cpus()[0]?.model ?? 'unknown',
    processors: cpus().length,
    memoryMb: Math.round(totalmem() / 2 ** 20),
    userId: process.geteuid?.() ?? -1,
    loadAverage: loadavg().map(value => Number(value.toFixed(2))),
    bubblewrap,
  }
}

export const rssMb = () => process.memoryUsage.rss() / 2 ** 20

/** CLOCK_TICK of /proc: USER_HZ, which is 100 on every architecture that Linux runs Node on. */
const tickMs = 10

/**
 * Milliseconds of processor time, user and system: of this process, and of children that were waited for. The latter come
 * from /proc/self/stat in steps of 10 ms, so they are read around blocks of runs, never around one. What a child's own
 * children used counts only when the child waited for them.
 */
export function processorTime() {
  const { user, system } = process.cpuUsage()
  return { own: (user + system) / 1000, children: childrenTicks() * tickMs }
}

/**
 * Milliseconds for which the thread of the event loop was on a processor, or NaN where the kernel does not count it. Time in
 * which it waited, for events or for a processor that others use, is not in it: `performance.eventLoopUtilization` would
 * count the latter, and is as long as the machine is busy.
 */
export function loopProcessorTime() {
  try {
    // The main thread's number is the process's. Nanoseconds on a processor, nanoseconds in its queue, time slices.
    const text = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1')
    return Number(text.split(' ')[0]) / 1e6
  } catch {
    return Number.NaN
  }
}

function childrenTicks() {
  const stat = readFileSync('/proc/self/stat', 'latin1')
  // The name in parentheses may hold spaces; fields are counted after it. cutime and cstime are numbers 16 and 17.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[13]) + Number(fields[14])
}

const ballast = []

/**
 * Makes this process at least so large by touching memory, and says how large it is. Every write(2) of the kernel's page
 * tables that fork(2) makes is then real.
 */
export function growTo(megabytes) {
  while (rssMb() < megabytes) {
    const block = Buffer.allocUnsafeSlow(Math.max(1, Math.min(16, Math.ceil(megabytes - rssMb()))) * 2 ** 20)
    for (let at = 0; at < block.length; at += 4096) block[at] = 1
    ballast.push(block)
  }
  return rssMb()
}
