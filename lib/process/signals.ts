import { constants } from 'node:os'

import { OptionError } from '../errors.ts'

const names = new Map<number, NodeJS.Signals>()
for (const [name, number] of Object.entries(constants.signals)) {
  if (!names.has(number)) names.set(number, name as NodeJS.Signals)
}

/** `SIGTERM` for 15; real-time signals have no name in Node and are given as `SIGRT<n>`. */
export function signalName(number: number): NodeJS.Signals {
  return names.get(number) ?? (`SIGRT${number - 32}` as NodeJS.Signals)
}

/** Accepts a name, a number, or nothing (SIGTERM). Throws OptionError (`ERR_INVALID_OPTION`) for an unknown one. */
export function signalNumber(signal: NodeJS.Signals | number | undefined, option = 'signal'): number {
  if (signal === undefined) return constants.signals.SIGTERM
  if (typeof signal === 'number') {
    if (Number.isInteger(signal) && signal >= 0 && signal <= 64) return signal
  } else {
    const number = constants.signals[signal.toUpperCase() as NodeJS.Signals]
    if (number !== undefined) return number
  }
  throw new OptionError(option, `${option} is ${JSON.stringify(signal)}, which is not a signal`)
}
