/**
 * How this program ends: with a code, or by the signal that ended the command, so that a shell sees what it would have
 * seen without castellan.
 */
import { constants } from 'node:os'

export type Ending = number | NodeJS.Signals

/** Codes of our own, those that shells and env(1), timeout(1) use for the same. */
export const exitCodes = {
  usage: 2,
  timedOut: 124,
  sandbox: 125,
  cannotExecute: 126,
  notFound: 127,
} as const

export function end(ending: Ending): void {
  if (typeof ending === 'number') {
    process.exitCode = ending
    return
  }
  const number = signalNumber(ending)
  restoreDefault(ending, number)
  process.kill(process.pid, number)
  // Still here: the signal does not end a process in this place.
  process.exitCode = 128 + number
}

/** Real-time signals have no name in Node; the library gives them as `SIGRT<n>`, counted from 32. */
export function signalNumber(signal: string): number {
  const realTime = /^SIGRT(\d+)$/.exec(signal)?.[1]
  return realTime === undefined ? constants.signals[signal as NodeJS.Signals] : 32 + Number(realTime)
}

/** Node ignores SIGPIPE and handles SIGUSR1; a listener that comes and goes leaves the system's own action behind. */
function restoreDefault(signal: NodeJS.Signals, number: number): void {
  const { SIGKILL, SIGSTOP, SIGRTMIN = 32 } = constants.signals as Record<string, number>
  if (number === SIGKILL || number === SIGSTOP || number >= SIGRTMIN) return
  process.removeAllListeners(signal)
  const nothing = () => {}
  process.on(signal, nothing)
  process.off(signal, nothing)
}
