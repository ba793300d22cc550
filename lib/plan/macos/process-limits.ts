/**
 * Which limits of a run are held on macOS and on Windows: those that this library can see to itself. Nothing there counts a whole tree, and what
 * the kernel counts per process is not what the other limits promise.
 */
import { type LimitName, type LimitPlan, type LimitRefusal, type Limits, noLimits } from '../linux/process-limits.ts'

const systemNames = { macos: 'macOS', windows: 'Windows' } as const
const held: readonly LimitName[] = ['wallClock', 'outputBytes']

/** `readsOutput`: stdout and stderr go through pipes that this library reads. */
export function planMacosLimits(
  limits: Limits,
  readsOutput: boolean,
  system: 'macos' | 'windows' = 'macos',
): LimitPlan | LimitRefusal {
  const names = (Object.keys(limits) as LimitName[]).filter(name => limits[name] !== undefined)
  const missing = names.find(name => !held.includes(name))
  if (missing !== undefined) {
    const message = `cannot hold the command to ${missing}: nothing on ${systemNames[system]} holds a tree of processes to it`
    return { limit: missing, mechanism: system, message }
  }
  const { wallClock, outputBytes } = limits
  if (outputBytes !== undefined && !readsOutput) {
    const message = 'cannot hold the command to outputBytes: its output does not go through a pipe of this library'
    return { limit: 'outputBytes', mechanism: 'stdio', message }
  }
  return {
    ...noLimits,
    ...(wallClock === undefined ? {} : { wallClock }),
    ...(outputBytes === undefined ? {} : { outputBytes }),
  }
}
