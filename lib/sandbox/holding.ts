/**
 * How one sandbox holds its commands: the plan for the disk as it is, made again when what it rests on changes, and the
 * placeholders that stand while a command runs.
 */
import { DisposedError, LaunchError } from '../errors.ts'
import { globSearch, type RememberingGlobSearch } from '../host/glob-search.ts'
import { type PathState, watchFiles } from '../host/path-state.ts'
import type { NativeExpectations } from '../native/binding.ts'
import type { Notice } from '../notices.ts'
import type { Plan } from '../plan/plan.ts'
import { refusalError } from '../plan/refusal-error.ts'
import { refuseMovedRoots } from '../policy/moved-roots.ts'
import { joinPath } from '../policy/path.ts'
import type { Policy } from '../policy/policy.ts'
import { resolvePolicy } from '../policy/resolve.ts'
import type { ResolvedPolicy, Surroundings } from '../policy/types.ts'
import type { RunOptions } from '../process/options.ts'
import type { PlanFacts } from '../process/result.ts'
import type { Starter } from '../process/starter.ts'
import type { SandboxSystem } from './system.ts'

const nothing = () => {}

/** What was decided for the disk as it is. */
export interface Held {
  readonly resolved: ResolvedPolicy
  readonly plan: Plan
  readonly notices: readonly Notice[]
  /** Carries the plan out, but for the places where nobody can create anything anyway. */
  readonly starter: Starter
  readonly carriedOut: Plan
  readonly needless: readonly string[]
  readonly state: PathState
  /** What each result says of it. */
  readonly facts: PlanFacts
}

/** For one launch. */
export interface Ready {
  readonly held: Held
  /** What the starter has still to put on the disk, and to look at there. */
  readonly expected?: NativeExpectations
  readonly release: () => void
}

export class Holding {
  readonly #policy: Policy
  readonly #surroundings: Surroundings
  readonly #system: SandboxSystem
  /** Of this sandbox alone: it remembers what the policy's patterns matched. */
  readonly #globs: RememberingGlobSearch
  #held: Held
  #disposed = false

  constructor(system: SandboxSystem, policy: Policy, surroundings: Surroundings) {
    this.#system = system
    this.#policy = policy
    this.#surroundings = surroundings
    this.#globs = system.globs?.() ?? globSearch()
    this.#held = this.#hold()
  }

  /** What a host may want to tell its user, of the plan that was made last. */
  get notices(): readonly Notice[] {
    return this.#held.notices
  }

  /** Later calls throw DisposedError. */
  dispose(): void {
    this.#disposed = true
  }

  assertUsable(): void {
    if (this.#disposed) throw new DisposedError()
  }

  /**
   * The plan for the disk as it is, with a placeholder wherever it keeps something from being created. Throws LaunchError
   * (stage `placeholder`) when one cannot be put. `release` is to be called once, when nothing of the command runs.
   */
  ready(lifetime: RunOptions['lifetime']): Ready {
    for (let attempt = 0; attempt < 5; attempt++) {
      if (attempt > 0) this.#held = this.#hold(this.#held)
      const held = this.current()
      const lease = this.#system.lease(held.plan, lifetime)
      if (lease === null) continue
      try {
        return { held: this.#without(held, lease.needless), release: lease.release }
      } catch (error) {
        lease.release()
        throw error
      }
    }
    throw new LaunchError('cannot launch: what the policy closes keeps appearing and going', { stage: 'placeholder' })
  }

  /**
   * The same for `run`, which mostly looks whether the disk is what it was and puts the placeholders itself, away from the
   * event loop and at the last moment. It rejects with StaleError when something is not as it was last time; then `ready`
   * finds out what is to be done.
   */
  readyToRun(lifetime: RunOptions['lifetime']): Ready {
    this.assertUsable()
    // What was never looked at in full cannot be compared there.
    const held = this.#held.state.stamps === undefined ? this.current() : this.#held
    const all = this.#system.placesOf?.(held.plan, lifetime)
    if (all === undefined) return this.ready(lifetime)
    const { needless, state } = held
    const placed = needless.length === 0 ? all : all.filter(place => !needless.includes(place))
    return { held, expected: { placed, needless, stamps: state.stamps }, release: nothing }
  }

  /** `held`, carried out without the operations that have nothing to do at these places. */
  #without(held: Held, needless: readonly string[]): Held {
    if (needless.join('\0') === held.needless.join('\0')) return held
    const carriedOut = this.#system.without(held.plan, needless)
    this.#held = { ...held, carriedOut, needless, starter: this.#system.starterFor(carriedOut) }
    return this.#held
  }

  current(): Held {
    this.assertUsable()
    if (!this.#held.state.unchanged()) this.#held = this.#hold(this.#held)
    return this.#held
  }

  #hold(previous?: Held): Held {
    const { files } = this.#surroundings
    const watched = this.#system.watch?.(files) ?? watchFiles(files, this.#system.quickLook)
    const globs = this.#globs
    const resolved = resolvePolicy(this.#policy, { ...this.#surroundings, files: watched.files, globs })
    if (previous !== undefined) refuseMovedRoots(previous.resolved, resolved)
    watched.watch(pathsBehind(resolved))
    const choice = this.#system.choose(resolved, { ...this.#surroundings, files: watched.files })
    if ('refusal' in choice) throw refusalError(choice.refusal)
    const { plan } = choice
    const starter = this.#system.starterFor(plan)
    const notices = Object.freeze(choice.notices)
    const state =
      resolved.globs === null
        ? watched.state
        : { unchanged: () => watched.state.unchanged() && globs.unchanged(), stamps: undefined }
    return { resolved, plan, notices, starter, carriedOut: plan, needless: [], state, facts: factsOf(plan, resolved) }
  }
}

function factsOf({ engine, digest }: Plan, resolved: ResolvedPolicy): PlanFacts {
  const globs = resolved.globs === null ? 'none' : 'snapshot'
  return { engine, planDigest: digest, policyDigest: resolved.digest, globs }
}

/** Beside what the resolution asked for: the rules, whose inodes a launch pins, and protected names that may appear. */
function* pathsBehind(resolved: ResolvedPolicy): Iterable<string> {
  yield resolved.cwd
  for (const rule of resolved.rules) yield rule.path
  for (const { root } of resolved.writableRoots) {
    for (const name of ['.git', '.agents', '.codex']) yield joinPath(root, name)
  }
  for (const { path } of resolved.fileSystem.entries) if (path.type === 'path') yield path.path
}
