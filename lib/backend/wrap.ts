/**
 * A confined command for somebody else's spawner: the helper program confines itself and becomes the command. The plan lies
 * in a sealed in-memory file of this process, which the helper opens through /proc; nothing of it shows in the arguments,
 * and nothing is left on disk.
 */
import { BackendError, LaunchError } from '../errors.ts'
import type { LinuxBinding } from '../native/binding.ts'
import { errnoName } from '../native/errno.ts'
import type { LinuxPlan } from '../plan/plan.ts'
import { nativePlanImage } from './plan-records.ts'

export interface WrappedCommand {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export class WrapTarget {
  readonly #binding: LinuxBinding
  readonly #helper: number
  readonly #plan: number

  constructor(binding: LinuxBinding, plan: LinuxPlan) {
    if (plan.engine === 'bwrap') {
      throw new BackendError(
        'cannot wrap a command: the engine bwrap starts commands from descriptors of this process',
        {
          capability: 'wrap',
          hint: "use run or spawn, or allow the engine 'namespace' or 'landlock'",
        },
      )
    }
    this.#binding = binding
    this.#helper = opened(binding.helperDescriptor(), 'helper program')
    this.#plan = opened(binding.memoryFile('castellan-plan', nativePlanImage(plan)), 'plan')
  }

  command(file: string, args: readonly string[], env: Readonly<Record<string, string>>): WrappedCommand {
    const own = `/proc/${process.pid}/fd`
    return Object.freeze({
      file: `${own}/${this.#helper}`,
      args: Object.freeze(['exec', `${own}/${this.#plan}`, '--', file, ...args]),
      env: Object.freeze({ ...env }),
    })
  }

  /** Wrapped commands that were not started yet can no longer be. */
  close(): void {
    this.#binding.closeFile(this.#plan)
  }
}

function opened(fd: number, what: string): number {
  if (fd >= 0) return fd
  const name = errnoName(-fd)
  throw new LaunchError(`cannot keep the ${what} in memory: ${name}`, { stage: 'image', errnoName: name })
}
