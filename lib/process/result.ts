/**
 * What `run` and `runSync` give back.
 */
import type { NativeResult } from '../native/binding.ts'
import type { LimitName, LimitPlan } from '../plan/linux/process-limits.ts'
import { readHelperRecords } from './helper-records.ts'
import type { Launcher } from './launch.ts'
import { firedLimit } from './limit-names.ts'
import { signalName, signalNumber } from './signals.ts'

export interface RunResult<Output extends string | Buffer = string> {
  /** null when a signal ended the command. */
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Output
  readonly stderr: Output
  /** The limit that ended the command, of `limits` and `timeout`; null when none did. */
  readonly limit: LimitName | null
  /** The time limit ended the command. */
  readonly timedOut: boolean
  /**
   * A place that the policy closes, whose protection somebody outside the sandbox took away while the command ran: by removing,
   * replacing or renaming what the protection lay on. Everything in the sandbox was ended for it. null: nothing of that kind.
   */
  readonly lostProtection: string | null
  /** The AbortSignal ended the command. */
  readonly isCanceled: boolean
  /** More came out than `maxBuffer` bytes; the rest was read and dropped. */
  readonly isMaxBuffer: boolean
  readonly pid: number
  /** Milliseconds from the call to the result. */
  readonly durationMs: number
  /** Which engine held the command. */
  readonly engine: string
  /** `plan.digest` and the policy's digest: what this run was held to. */
  readonly planDigest: string
  readonly policyDigest: string
  /** `snapshot`: the policy denies patterns, and what matched them at the launch was closed, nothing later. */
  readonly globs: 'none' | 'snapshot'
}

export interface ResultContext {
  readonly limits: LimitPlan
  readonly startedAt: number
  readonly isCanceled: boolean
  /** Absent where no helper tells anything. */
  readonly launcher?: Launcher
  readonly encoding: 'utf8' | 'buffer'
  readonly facts: PlanFacts
}

/** What was decided before the command was known. */
export type PlanFacts = Pick<RunResult, 'engine' | 'planDigest' | 'policyDigest' | 'globs'>

export function makeResult(native: NativeResult, context: ResultContext): RunResult<string | Buffer> {
  const { exitCode, signal } = endOf(native)
  const { facts } = context
  const text = (bytes: Buffer) => (context.encoding === 'buffer' ? bytes : bytes.toString('utf8'))
  return Object.freeze({
    exitCode,
    signal,
    stdout: text(native.stdout),
    stderr: text(native.stderr),
    limit: firedLimit(native, signal === null ? 0 : signalNumber(signal), askedLimits(context.limits)),
    timedOut: native.timedOut,
    lostProtection: lostProtection(native, context.launcher),
    isCanceled: context.isCanceled,
    isMaxBuffer: native.stdoutTruncated || native.stderrTruncated,
    pid: native.pid,
    durationMs: performance.now() - context.startedAt,
    engine: facts.engine,
    planDigest: facts.planDigest,
    policyDigest: facts.policyDigest,
    globs: facts.globs,
  })
}

/** See `RunResult.lostProtection`. */
export function lostProtection(native: NativeResult, launcher: Launcher | undefined): string | null {
  const { lost } = readHelperRecords(native.reported)
  return lost === undefined ? null : (launcher?.place(lost) ?? '')
}

/** The limits of which the kernel tells by a signal. */
export function askedLimits({ kernel }: LimitPlan): { cpuTime?: number | undefined; fileSize?: number | undefined } {
  return { cpuTime: kernel.cpu, fileSize: kernel.fileSize }
}

/** The command's own end: what the helper reported when there is one in between, else the process's. */
export function endOf(native: NativeResult): { exitCode: number | null; signal: NodeJS.Signals | null } {
  const ended = readHelperRecords(native.reported).ended
  const exitCode = ended?.exitCode ?? native.exitCode
  const signal = ended?.signal ?? native.signal
  if (signal !== 0) return { exitCode: null, signal: signalName(signal) }
  return { exitCode: exitCode < 0 ? null : exitCode, signal: null }
}
