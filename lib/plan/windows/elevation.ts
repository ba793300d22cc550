/**
 * The one question that Windows puts to a person when the elevated backend is set up (spec/windows H.2): who starts what with an
 * administrator's rights, and what its end means. A process that was started so never starts another one.
 */
import { quoteArgument } from './command-line.ts'
import type { SetupStatus } from './setup-status.ts'
import { type SetupErrorCode, type SetupStep, setupSteps } from './setup-steps.ts'

export interface ElevationQuestion {
  /** This process has an administrator's full token. */
  readonly elevated: boolean
  /** This process was started to do the setup. */
  readonly wasAsked: boolean
  /** Null where this program cannot be started anew with other words, as in a desktop application. */
  readonly start: ElevatedStart | null
}

export interface ElevatedStart {
  readonly program: string
  /** Before the payload. */
  readonly args: readonly string[]
}

/** `here` without the rights ends at the step `check-elevation`. */
export function elevationOf({ elevated, wasAsked, start }: ElevationQuestion): 'here' | 'ask' {
  return elevated || wasAsked || start === null ? 'here' : 'ask'
}

/** What follows the program's name, as one text. */
export function elevatedWords({ args }: ElevatedStart, payload: string): string {
  return [...args, 'windows', 'setup', '--payload', payload].map(quoteArgument).join(' ')
}

export interface ElevatedEnd {
  /** Its exit code, or why nothing was started. */
  readonly answer: number | { readonly failure: { readonly call: string; readonly win32: number } }
  /** What it wrote about its failure; null for nothing. */
  readonly report: string | null
  /** What is on the disk afterwards. */
  readonly status: SetupStatus
}

export interface ElevationFailure {
  readonly step: SetupStep
  readonly code: SetupErrorCode
  readonly message: string
  readonly win32?: number
  readonly path?: string
}

/** ERROR_CANCELLED */
const saidNo = 1223

/** Null when the setup is done. */
export function elevationFailure({ answer, report, status }: ElevatedEnd): ElevationFailure | null {
  if (typeof answer !== 'number') {
    const { call, win32 } = answer.failure
    if (win32 === saidNo) {
      const message = 'the question for an administrator was answered with no'
      return { step: 'check-elevation', code: 'orchestrator_helper_launch_canceled', message, win32 }
    }
    const message = `${call} failed with ${win32}`
    return { step: 'check-elevation', code: 'orchestrator_helper_launch_failed', message, win32 }
  }
  if (answer !== 0) return reportedFailure(answer, report)
  if (status === 'ready') return null
  const message = `the elevated process said that it is done, and this is not so: ${status}`
  return { step: 'fill-marker', code: 'orchestrator_helper_incomplete', message }
}

function reportedFailure(code: number, report: string | null): ElevationFailure {
  const step = 'check-elevation'
  if (report === null) {
    const message = `the elevated process ended with ${code} and said nothing`
    return { step, code: 'orchestrator_helper_exit_nonzero', message }
  }
  const told = readSetupFailure(report)
  if (told !== null) return told
  const message = `the elevated process ended with ${code}, and what it said cannot be read`
  return { step, code: 'orchestrator_helper_report_read_failed', message }
}

/** A failure as a setup writes it down; null for any other text. */
export function readSetupFailure(text: string): ElevationFailure | null {
  try {
    const { step, code, message, win32, path } = JSON.parse(text) as Readonly<Record<string, unknown>>
    const isStep = (setupSteps as readonly unknown[]).includes(step)
    if (!isStep || typeof code !== 'string' || typeof message !== 'string') return null
    const number = Number.isInteger(win32) ? { win32: win32 as number } : {}
    const place = typeof path === 'string' ? { path } : {}
    return { step: step as SetupStep, code: code as SetupErrorCode, message, ...number, ...place }
  } catch {
    return null
  }
}
