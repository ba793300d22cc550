import { OptionError } from '../errors.ts'
import type { LimitName, Limits } from '../plan/linux/process-limits.ts'
import { checkNames } from './option-names.ts'

/** The smallest useful value: with fewer descriptors no dynamically linked program starts, and nothing is less than one task. */
const least: Readonly<Record<LimitName, number>> = {
  wallClock: 1,
  cpuTime: 1,
  memory: 1,
  processes: 1,
  openFiles: 4,
  fileSize: 0,
  outputBytes: 0,
}

const names = new Set(Object.keys(least))

/** Throws OptionError (`ERR_INVALID_OPTION`, for instance for `limits.memory`). */
export function checkLimits(limits: Limits | undefined): void {
  if (limits === undefined) return
  if (typeof limits !== 'object' || limits === null) throw new OptionError('limits', 'limits must be an object')
  checkNames(limits, names)
  for (const [name, value] of Object.entries(limits) as [LimitName, unknown][]) {
    if (value === undefined) continue
    if (!Number.isSafeInteger(value) || (value as number) < least[name]) {
      throw new OptionError(`limits.${name}`, `limits.${name} must be a whole number of at least ${least[name]}`)
    }
  }
}

/** Those of one call on top of the sandbox's, but never more than those: a sandbox's limits hold for every command. */
export function combineLimits(sandbox: Limits | undefined, call: Limits | undefined): Limits {
  if (sandbox === undefined) return call ?? {}
  if (call === undefined) return sandbox
  const combined: Partial<Record<LimitName, number>> = {}
  for (const name of names as ReadonlySet<LimitName>) {
    const values = [sandbox[name], call[name]].filter(value => value !== undefined)
    if (values.length > 0) combined[name] = Math.min(...values)
  }
  return combined
}
