import type { Plan } from '../plan/plan.ts'
import type { SandboxSystem, Wrapping } from './system.ts'

/** One target for all wrapped commands of a plan; earlier ones stay, for commands that were not started yet. */
export class WrapTargets {
  readonly #system: SandboxSystem
  readonly #targets = new Map<Plan, Wrapping>()
  readonly #leases: (() => void)[] = []

  constructor(system: SandboxSystem) {
    this.#system = system
  }

  /** Takes over `release`, which is called by `close` at the latest. */
  targetOf(plan: Plan, release: () => void): Wrapping {
    const known = this.#targets.get(plan)
    if (known !== undefined) {
      // The lease of the first one lasts until the sandbox is disposed.
      release()
      return known
    }
    try {
      const target = this.#system.wrapping(plan)
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
