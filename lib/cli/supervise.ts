/**
 * Stands between whoever started this program and the command: hands signals on, holds the time limit, and never ends
 * before the command does.
 *
 * A command in the terminal's foreground process group gets Ctrl-C from the terminal itself; handing it on would deliver
 * it twice. A command in a session of its own (no terminal, or started by bubblewrap) gets it from here, and so does
 * everything that it started, as a terminal would do it.
 */
import type { LimitName, SandboxedProcess } from '../index.ts'
import { type Ending, exitCodes } from './ending.ts'

export interface Supervision {
  readonly start: () => SandboxedProcess
  readonly session: 'inherit' | 'new'
  /** Milliseconds; undefined: no limit. */
  readonly timeout: number | undefined
  readonly timedOut: () => void
  /** Another limit ended it. */
  readonly limited?: (limit: LimitName) => void
}

const handedOn = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const
const fromTerminal = ['SIGINT', 'SIGQUIT'] as const
/** Milliseconds: a command may answer an interrupt as it likes. */
const untilItEnds = Number.MAX_SAFE_INTEGER / 2

/** How the command ended. Rejects when it could not be started, with the error of the library. */
export async function supervise({ start, session, timeout, timedOut, limited }: Supervision): Promise<Ending> {
  let child: SandboxedProcess | undefined
  const handOn = (signal: NodeJS.Signals) => child?.kill(signal)
  const interrupt = (signal: NodeJS.Signals) => {
    if (session === 'new') child?.terminate(signal, untilItEnds)
  }
  // Before the start: from then on only the command's end may end this program.
  for (const signal of handedOn) process.on(signal, handOn)
  for (const signal of fromTerminal) process.on(signal, interrupt)
  let timer: NodeJS.Timeout | undefined
  let late = false
  try {
    child = start()
    if (timeout !== undefined) {
      timer = setTimeout(() => {
        late = true
        child?.terminate()
      }, timeout)
    }
    const ending = await endingOf(child)
    if (!late && child.limit !== null) {
      limited?.(child.limit)
      return exitCodes.timedOut
    }
    if (!late) return ending
    timedOut()
    return exitCodes.timedOut
  } finally {
    clearTimeout(timer)
    for (const signal of handedOn) process.off(signal, handOn)
    for (const signal of fromTerminal) process.off(signal, interrupt)
  }
}

function endingOf(child: SandboxedProcess): Promise<Ending> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (exitCode, signal) => resolve(signal ?? exitCode ?? exitCodes.sandbox))
  })
}
