/**
 * The engines that this machine has. Suites loop over them; what is missing is skipped with the reason in its name.
 */
import { describe } from 'vitest'

import { createSandbox, doctor, type LinuxOptions, type Sandbox } from '../../../lib/index.ts'

/** `shared`: the engine `namespace` without a PID namespace of its own. */
export type EngineName = 'namespace' | 'shared' | 'bwrap' | 'landlock'

export const only: Readonly<Record<EngineName, LinuxOptions>> = {
  namespace: { engines: ['namespace'], bubblewrap: 'never' },
  shared: { engines: ['namespace'], bubblewrap: 'never', processes: 'shared' },
  bwrap: { engines: ['bwrap'], bubblewrap: 'require' },
  landlock: { engines: ['landlock'], bubblewrap: 'never' },
}

const { engines: reports, capabilities } = await doctor()

export const landlockAbi = capabilities.platform === 'linux' ? capabilities.landlock.abi : 0

/** Runs a suite once per engine. */
export function eachEngine(names: readonly EngineName[], title: string, suite: (engine: EngineName) => void): void {
  for (const name of names) {
    const report = reports.find(({ engine }) => engine === (name === 'shared' ? 'namespace' : name))
    const usable = report?.usable === true
    const reason = usable ? '' : ` (skipped: ${report?.reason ?? 'not on this platform'})`
    const define = usable ? describe : describe.skip
    define(`${name}: ${title}${reason}`, () => suite(name))
  }
}

export const allEngines: readonly EngineName[] = ['namespace', 'shared', 'bwrap', 'landlock']
/** The engines that hold carve-outs. */
export const mountEngines: readonly EngineName[] = ['namespace', 'shared', 'bwrap']

export function sandboxWith(engine: EngineName, policy: unknown, cwd: string): Promise<Sandbox> {
  return createSandbox({ policy, cwd, linux: only[engine] })
}
