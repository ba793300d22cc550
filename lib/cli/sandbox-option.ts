/**
 * The options that `run` and `explain` share, and the sandbox they ask for.
 */
import {
  createSandbox,
  type GitAccess,
  inspectPolicy,
  type LinuxEngine,
  type PolicyInspection,
  type Sandbox,
} from '../index.ts'
import type { CommandLine, OptionSpecs } from './command-line.ts'
import { existingDirectory } from './directory.ts'
import { choosePolicy, type PolicyChoice, policyOptions } from './policy-option.ts'
import { suggestion } from './spelling.ts'
import { UsageError } from './usage-error.ts'

export const sandboxOptions: OptionSpecs = {
  ...policyOptions,
  cwd: { type: 'string', short: 'C' },
  engine: { type: 'string', multiple: true },
  strict: { type: 'boolean' },
  git: { type: 'string' },
}

const engines: readonly LinuxEngine[] = ['namespace', 'bwrap', 'landlock']

export interface ChosenSandbox {
  readonly sandbox: Sandbox
  readonly choice: PolicyChoice
}

/** @throws {UsageError}, and whatever `createSandbox` throws */
export async function makeSandbox(line: CommandLine): Promise<ChosenSandbox> {
  const choice = choosePolicy(line)
  const chosen = line.all('engine').map(engineNamed)
  const cwd = line.one('cwd')
  const git = line.one('git')
  const sandbox = await createSandbox({
    policy: choice.policy,
    strict: line.has('strict'),
    ...(git === undefined ? {} : { git: gitAccessNamed(git) }),
    ...(cwd === undefined ? {} : { cwd: existingDirectory('--cwd', cwd) }),
    ...(chosen.length === 0 ? {} : { linux: { engines: chosen } }),
  })
  return { sandbox, choice }
}

/** What every engine makes of the policy that a sandbox was made for. */
export function inspectSandbox({ sandbox, choice }: ChosenSandbox, line: CommandLine): Promise<PolicyInspection> {
  const git = line.one('git')
  const asked = { policy: choice.policy, cwd: sandbox.policy.cwd }
  return inspectPolicy(git === undefined ? asked : { ...asked, git: gitAccessNamed(git) })
}

function engineNamed(name: string): LinuxEngine {
  const engine = engines.find(known => known === name)
  if (engine !== undefined) return engine
  throw new UsageError(
    `there is no engine ${JSON.stringify(name)}; use ${engines.join(', ')}${suggestion(name, engines)}`,
  )
}

const gitAccesses: readonly GitAccess[] = ['protected', 'writable', 'hooks-and-config-protected']

/** @throws {UsageError} */
export function gitAccessNamed(name: string): GitAccess {
  const access = gitAccesses.find(known => known === name)
  if (access !== undefined) return access
  const known = `use ${gitAccesses.join(', ')}${suggestion(name, gitAccesses)}`
  throw new UsageError(`there is no --git ${JSON.stringify(name)}; ${known}`)
}
