import { WrapTarget } from '../backend/wrap.ts'
import type { LinuxBinding } from '../native/binding.ts'
import type { Plan } from '../plan/plan.ts'

/** One target for all wrapped commands of a plan; earlier ones stay, for commands that were not started yet. */
export class WrapTargets {
  readonly #binding: LinuxBinding
  readonly #targets = new Map<Plan, WrapTarget>()
  readonly #leases: (() => void)[] = []

  constructor(binding: LinuxBinding) {
    this.#binding = binding
  }

  /** Takes over `release`, which is called by `close` at the latest. */
  targetOf(plan: Plan, release: () => void): WrapTarget {
    const known = this.#targets.get(plan)
    if (known !== undefined) {
      // The lease of the first one lasts until the sandbox is disposed.
      release()
      return known
    }
    try {
      const target = new WrapTarget(this.#binding, plan)
      this.#targets.set(plan, target)
      this.#leases.push(release)
      return target
    } catch (error) {
      release()
      throw error
    }
  }

  close(): void {
    for (const target of this.#targets.values()) target.close()
    for (const release of this.#leases.splice(0)) release()
  }
}
