/**
 * Stands between whoever started this program and the command: hands signals on, holds the time limit, and never ends
 * before the command does.
 *
 * A command in the terminal's foreground process group gets Ctrl-C from the terminal itself; handing it on would deliver
 * it twice. A command in a session of its own (no terminal, or started by bubblewrap) gets it from here; a second one
 * ends its whole tree, because children that a terminal would have reached may not have heard of the first.
 */
import type { SandboxedProcess } from '../index.ts'
import { type Ending, exitCodes } from './ending.ts'

export interface Supervision {
  readonly start: () => SandboxedProcess
  readonly session: 'inherit' | 'new'
  /** Milliseconds; undefined: no limit. */
  readonly timeout: number | undefined
  readonly timedOut: () => void
}

const handedOn = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const
const fromTerminal = ['SIGINT', 'SIGQUIT'] as const

/** How the command ended. Rejects when it could not be started, with the error of the library. */
export async function supervise({ start, session, timeout, timedOut }: Supervision): Promise<Ending> {
  let child: SandboxedProcess | undefined
  let interrupts = 0
  const handOn = (signal: NodeJS.Signals) => child?.kill(signal)
  const interrupt = (signal: NodeJS.Signals) => {
    if (session === 'inherit') return
    if (interrupts++ === 0) child?.kill(signal)
    else child?.terminate(signal)
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
