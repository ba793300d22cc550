/**
 * How a run is held to its resource limits: by the kernel (setrlimit(2), per process), by the launcher (which looks at the
 * whole tree every 50 ms and ends it), or both; or why a limit cannot be held here. Never dropped in silence.
 */
import type { LinuxPlan } from '../plan.ts'

/** Each is a maximum; undefined: none. docs/limits.md says what each one counts. */
export interface Limits {
  /** Milliseconds from the start to the end. The same as `timeout`; the smaller one counts. */
  readonly wallClock?: number | undefined
  /** Milliseconds of processor time of the whole tree. */
  readonly cpuTime?: number | undefined
  /** Bytes of memory in use by the whole tree. */
  readonly memory?: number | undefined
  /** Processes and threads of the tree at one time. */
  readonly processes?: number | undefined
  /** Open descriptors of each process. */
  readonly openFiles?: number | undefined
  /** Bytes of each file that is written. */
  readonly fileSize?: number | undefined
  /** Bytes of stdout and stderr together. */
  readonly outputBytes?: number | undefined
}

export type LimitName = keyof Limits

/** `setrlimit` values, and what the launcher watches. */
export interface LimitPlan {
  readonly kernel: {
    /** Seconds. */
    readonly cpu?: number
    /** RLIMIT_DATA: bytes of private writable memory. */
    readonly data?: number
    /** RLIMIT_NPROC, counted in the user namespace of the run alone. */
    readonly tasks?: number
    readonly openFiles?: number
    readonly fileSize?: number
  }
  readonly tree: {
    readonly memory?: number
    /** Milliseconds. */
    readonly cpuTime?: number
    readonly tasks?: number
  }
  /** Milliseconds. */
  readonly wallClock?: number
  readonly outputBytes?: number
}

export interface LimitRefusal {
  readonly limit: LimitName
  /** What would have to hold it. */
  readonly mechanism: string
  readonly message: string
}

export interface LimitQuestion {
  readonly limits: Limits
  readonly plan: Pick<LinuxPlan, 'engine' | 'namespaces' | 'seccomp'>
  /** Processes of a run can be told from others by their mark. */
  readonly marks: boolean
  /** The host is root: its commands are not counted by RLIMIT_NPROC. */
  readonly privileged: boolean
  /** RLIMIT_NPROC counts per user namespace (Linux 5.14). */
  readonly countsPerNamespace: boolean
  /** Where stdout and stderr go: pipes that this library reads, or elsewhere. */
  readonly readsOutput: boolean
}

export const noLimits: LimitPlan = Object.freeze({ kernel: {}, tree: {} })

export function planLimits(question: LimitQuestion): LimitPlan | LimitRefusal {
  const { limits } = question
  const refusal = refusalOf(question)
  if (refusal !== null) return refusal
  const { cpuTime, memory, processes, openFiles, fileSize, wallClock, outputBytes } = limits
  const tasks = processes === undefined ? undefined : wallForTasks(question, processes)
  return {
    kernel: {
      // One second later than the launcher, which tells what it did.
      ...(cpuTime === undefined ? {} : { cpu: Math.ceil(cpuTime / 1000) + 1 }),
      ...(memory === undefined ? {} : { data: wallForMemory(memory) }),
      ...(tasks === undefined ? {} : { tasks }),
      ...(openFiles === undefined ? {} : { openFiles }),
      ...(fileSize === undefined ? {} : { fileSize }),
    },
    tree: {
      ...(memory === undefined ? {} : { memory }),
      ...(cpuTime === undefined ? {} : { cpuTime }),
      ...(processes === undefined ? {} : { tasks: processes }),
    },
    ...(wallClock === undefined ? {} : { wallClock }),
    ...(outputBytes === undefined ? {} : { outputBytes }),
  }
}

const mebibyte = 2 ** 20

/**
 * What one process cannot pass between two looks. Above the limit, so that a process that uses what it asked for is ended and
 * told of, and not only refused more: programs ask for some memory that they never touch.
 */
function wallForMemory(memory: number): number {
  return memory + Math.ceil(memory / 4) + 64 * mebibyte
}

/**
 * What no tree passes between two looks. Well above the limit for the same reason: a shell that cannot fork gives up, and
 * nothing would tell why. Helpers are counted with the command.
 */
function wallForTasks(question: LimitQuestion, processes: number): number | undefined {
  const { plan, privileged, countsPerNamespace } = question
  if (plan.namespaces === null || privileged || !countsPerNamespace) return undefined
  const helpers = plan.engine === 'bwrap' ? 2 : plan.namespaces.pid ? 1 : 0
  return processes + Math.max(processes, 32) + helpers
}

/** Limits for which the whole tree must be found. */
const treeLimits = ['memory', 'cpuTime', 'processes'] as const
const kernelLimits = ['openFiles', 'fileSize'] as const

function refusalOf({ limits, plan, marks, privileged, readsOutput }: LimitQuestion): LimitRefusal | null {
  const first = (names: readonly LimitName[]) => names.find(name => limits[name] !== undefined)
  const unmarked = first(treeLimits)
  if (unmarked !== undefined && (!marks || plan.seccomp === null)) {
    const why = marks
      ? 'without a filter a process can take off the mark of its run'
      : 'this process has a limit RLIMIT_RTTIME of its own, so that the processes of a run cannot be marked'
    return { limit: unmarked, mechanism: 'mark', message: `cannot hold the tree to ${unmarked}: ${why}` }
  }
  const raisable = first(kernelLimits)
  if (raisable !== undefined && plan.engine === 'unconfined' && privileged) {
    const message = `cannot hold the command to ${raisable}: under the engine unconfined it keeps the right to raise its limits`
    return { limit: raisable, mechanism: 'setrlimit', message }
  }
  if (limits.outputBytes !== undefined && !readsOutput) {
    const message = 'cannot count outputBytes: stdout or stderr does not go through a pipe that this library reads'
    return { limit: 'outputBytes', mechanism: 'stdio', message }
  }
  return null
}
