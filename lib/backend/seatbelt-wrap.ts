/**
 * A confined form of a command for somebody else's spawner. It goes through the system's own program: the profile has to lie in
 * the arguments, because a file could be changed by what was wrapped before.
 */
import { BackendError } from '../errors.ts'
import type { MacosPlan } from '../plan/plan.ts'
import { sandboxExecCommand } from './sandbox-exec.ts'
import type { WrappedCommand } from './wrap.ts'

/** Half of what macOS lets arguments and environment take together (ARG_MAX, 1 MiB). */
const largestProfile = 512 * 1024

export class SeatbeltWrapTarget {
  readonly #plan: MacosPlan
  readonly #program: string | null

  /** `sandboxExec`: the system's program; null when it is not there. Throws BackendError when a command cannot be wrapped. */
  constructor(plan: MacosPlan, sandboxExec: string | null) {
    this.#plan = plan
    this.#program = sandboxExec
    if (plan.profile === null) return
    if (sandboxExec === null) throw refused('/usr/bin/sandbox-exec is not there')
    const size = Buffer.byteLength([plan.profile.text, ...Object.entries(plan.profile.parameters).flat()].join())
    if (size > largestProfile) throw refused(`its profile of ${size} bytes does not go into arguments`)
  }

  command(file: string, args: readonly string[], env: Readonly<Record<string, string>>): WrappedCommand {
    const { profile } = this.#plan
    const wrapped =
      profile === null || this.#program === null
        ? { file, args }
        : sandboxExecCommand(this.#program, profile, file, args)
    return Object.freeze({
      file: wrapped.file,
      args: Object.freeze([...wrapped.args]),
      env: Object.freeze({ ...env }),
    })
  }

  close(): void {}
}

function refused(why: string): BackendError {
  return new BackendError(`cannot wrap a command: ${why}`, { capability: 'wrap', hint: 'use run or spawn' })
}
