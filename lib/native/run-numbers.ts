/**
 * What a run is held to, as the numbers that `ReadRunRequest` of native/linux/binding.cc reads. One array for all runs: the
 * addon copies it before a call returns, and asking an object for each member by name would cost more than the rest.
 */
import type { NativeRunOptions } from './binding.ts'

/** As in native/linux/binding.cc. */
const optionCount = 12
const maximumStdio = 256
const none = -1

const numbers = new Float64Array(optionCount + 1 + maximumStdio)

/** To be given to the addon before the next call. `stdio`: see `NativeStdio`; at most 256 descriptors. */
export function runNumbers(stdio: readonly number[], options: NativeRunOptions): Float64Array {
  numbers[0] = options.collect === true ? 1 : 0
  numbers[1] = options.endTreeOnExit === false ? 0 : 1
  numbers[2] = options.endTreeFirst === true ? 1 : 0
  numbers[3] = options.outputLimit ?? 0
  numbers[4] = options.timeout ?? 0
  numbers[5] = options.grace ?? 0
  numbers[6] = options.timeoutSignal ?? 15
  numbers[7] = options.reportDescriptor ?? none
  numbers[8] = options.memoryLimit ?? none
  numbers[9] = options.cpuLimit ?? none
  numbers[10] = options.taskLimit ?? none
  numbers[11] = options.outputBytes ?? none
  numbers[optionCount] = stdio.length
  const count = Math.min(stdio.length, maximumStdio)
  for (let index = 0; index < count; index++) numbers[optionCount + 1 + index] = stdio[index] as number
  return numbers
}
