/**
 * The variables of this process, which commands get when the host says nothing else. `process.env` asks libc for each name
 * and each value; here they are read again only when the addon sees that one of them has changed.
 */
import { types } from 'node:util'

import type { LinuxBinding, NativeEnvironmentStamp } from '../native/binding.ts'
import type { TextBlock } from '../native/image-text.ts'
import type { Environment } from './environment.ts'

type EnvironmentLook = Pick<LinuxBinding, 'stampEnvironment' | 'environmentUnchanged'>

export class HostEnvironment {
  readonly #look: EnvironmentLook
  #stamp: NativeEnvironmentStamp | undefined
  #blocks = new WeakMap<object, TextBlock>()
  #asked: Environment | undefined
  #answer = false

  constructor(look: EnvironmentLook) {
    this.#look = look
  }

  /** Whether this object shows the variables of the process as they are, and not what a host put in its place. */
  is(environment: Environment): boolean {
    if (environment !== process.env) return false
    if (environment !== this.#asked) {
      this.#asked = environment
      this.#answer = isLive(environment)
    }
    return this.#answer
  }

  /** What `make` reads from `process.env`, kept for as long as that would give the same. `added`: what the plan adds. */
  block(added: object, make: () => TextBlock): TextBlock {
    if (this.#stamp === undefined || !this.#look.environmentUnchanged(this.#stamp)) {
      // Before the variables are read: what changes in between is a change to the next look.
      this.#stamp = this.#look.stampEnvironment()
      this.#blocks = new WeakMap()
    }
    const kept = this.#blocks.get(added)
    if (kept !== undefined) return kept
    const block = make()
    this.#blocks.set(added, block)
    return block
  }
}

const probe = 'CASTELLAN_IS_THIS_LIVE'

/** The object that Node.js makes for it refuses accessors, with an error of its own. */
function isLive(environment: object): boolean {
  if (types.isProxy(environment)) return false
  try {
    Object.defineProperty(environment, probe, { get: () => undefined, configurable: true, enumerable: false })
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_INVALID_OBJECT_DEFINE_PROPERTY'
  }
  Reflect.deleteProperty(environment, probe)
  return false
}
