/**
 * Confines the process that calls it; on macOS see `restrict-macos.ts`. On Linux: a Node.js process has several threads from its
 * start. Landlock since ABI 8 (Linux 7.0) brings all of them along, so there the process is confined in place. Before, Landlock
 * confines the calling thread only: the process executes itself again, confined. execve(2) ends every other thread, so that none
 * escapes; the process id, the standard streams and the environment stay. So it is for a process with capabilities, which every
 * thread has for itself.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

import { become } from '../backend/become.ts'
import { confineProcess } from '../backend/confine-process.ts'
import { BackendError, LaunchError } from '../errors.ts'
import { unsoughtBubblewrap } from '../host/bubblewrap.ts'
import { probeCapabilities } from '../host/probe.ts'
import { currentSurroundings } from '../host/surroundings.ts'
import { loadBinding } from '../native/binding.ts'
import { choosePlan } from '../plan/choose.ts'
import type { LinuxPlan } from '../plan/plan.ts'
import { refusalError } from '../plan/refusal-error.ts'
import { resolvePolicy } from '../policy/resolve.ts'
import { parseSandboxPolicy } from '../policy/sandbox-policy.ts'
import { checkNames } from '../process/option-names.ts'
import { refuseWorker } from './main-thread.ts'
import { macosProcessOf, restrictMacosProcess } from './restrict-macos.ts'

export interface RestrictOptions {
  /** As for `createSandbox`. Landlock alone has to hold it: no carve-outs. */
  readonly policy: unknown
  /** What the policy is relative to. Default: the working directory. */
  readonly cwd?: string
  /** Refuses plans with limits. Default: false. */
  readonly strict?: boolean
}

/**
 * Names the process that was confined, and the call that did it: a child that inherits it has another number and is confined once
 * more, and a call for another policy is not taken for the one that was carried out.
 */
const marker = 'CASTELLAN_RESTRICTED'

/** The call that confined this process in place. */
let confinedBy: string | undefined

/** Why this process is held to a part of a policy, for good. */
let partlyConfined: LaunchError | undefined

/**
 * Returns in a process that is held to the policy for the rest of its life, with everything it starts. Since Linux 7.0, without
 * capabilities, it is confined in place, and what it has open stays open. On another Linux the first call of a process does not
 * return: the program begins anew, confined, and comes to the call again. So it belongs before anything that must not be done
 * twice, and before anything untrusted is loaded. A failed step there ends the process with 125 and a line on stderr. On macOS
 * the profile is applied at once, and the program goes on; nothing has run there yet.
 *
 * Throws PolicyError and BackendError as `createSandbox` does, and BackendError with the capability `main-thread` in a worker, whose
 * siblings would go on, on Linux `ipc-channel` where the process has a channel of Node's, which would be lost (use `sandbox.fork`); LaunchError
 * (stage `init`) where the process claims to have been confined and is not, or was confined by a call with other options. When the
 * last step in place fails, `partly` is set: something holds for good, but not the policy, and every further call throws that again.
 */
export function restrictCurrentProcess(options: RestrictOptions): void {
  checkNames(options, new Set(['policy', 'cwd', 'strict']))
  const binding = loadBinding()
  if (binding.system === 'darwin') {
    const policy = parseSandboxPolicy(options.policy, { unknownMembers: 'refuse' })
    restrictMacosProcess({ policy, cwd: options.cwd, digest: digestOf(options) }, macosProcessOf(binding))
    return
  }
  const call = `${process.pid}:${digestOf(options)}`
  if (partlyConfined !== undefined) throw partlyConfined
  if (confinedBy === call) return
  if (confinedBy !== undefined) throw confinedOtherwise()
  const plan = planOf(options)
  if (plan.engine === 'unconfined') return
  if (process.env[marker]?.startsWith(`${process.pid}:`) !== true && bringsThreadsAlong(plan) && confineInPlace(plan)) {
    confinedBy = call
    return
  }
  refuseImpossible()
  const made = process.env[marker]
  if (made?.startsWith(`${process.pid}:`)) {
    if (!isConfined()) throw new LaunchError(`${marker} names this process, which is not confined`, { stage: 'init' })
    if (made === call) return
    throw confinedOtherwise()
  }
  process.env[marker] = call
  try {
    become(plan, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], 'exec')
  } finally {
    delete process.env[marker]
  }
}

/** ABI 8: LANDLOCK_RESTRICT_SELF_TSYNC (landlock_restrict_self(2)). */
export function bringsThreadsAlong({ landlock, seccomp }: Pick<LinuxPlan, 'landlock' | 'seccomp'>): boolean {
  return landlock !== null && landlock.abi >= 8 && seccomp !== null
}

function confineInPlace(plan: LinuxPlan): boolean {
  try {
    return confineProcess(plan)
  } catch (error) {
    // A second try would stack on what is left of the first, perhaps with another policy.
    if (error instanceof LaunchError && error.partly) partlyConfined = error
    throw error
  }
}

function confinedOtherwise(): LaunchError {
  return new LaunchError('cannot confine a process again, with other options than before', { stage: 'init' })
}

function planOf({ policy, cwd, strict = false }: RestrictOptions): LinuxPlan {
  const surroundings = currentSurroundings(cwd === undefined ? {} : { cwd })
  const resolved = resolvePolicy(parseSandboxPolicy(policy, { unknownMembers: 'refuse' }), surroundings)
  const choice = choosePlan({
    resolved,
    capabilities: probeCapabilities(unsoughtBubblewrap),
    options: { engines: ['landlock'], guardTag: false, strict },
  })
  if ('refusal' in choice) throw refusalError(choice.refusal)
  if (choice.plan.kind === 'linux') return choice.plan
  throw new BackendError('a process can confine itself on Linux and macOS only', { capability: 'landlock' })
}

function refuseImpossible(): void {
  refuseWorker(isMainThread)
  if (process.channel !== undefined && process.channel !== null) {
    const message = 'cannot confine a process with an IPC channel, which would be lost'
    throw new BackendError(message, { capability: 'ipc-channel', hint: 'start it with sandbox.fork instead' })
  }
}

function digestOf({ policy, cwd = process.cwd(), strict = false }: RestrictOptions): string {
  return createHash('sha256')
    .update(JSON.stringify([policy, cwd, strict]))
    .digest('hex')
}

/** no_new_privs and a filter; the plan that has neither was not chosen. */
function isConfined(): boolean {
  const status = readFileSync('/proc/self/status', 'utf8')
  return /^NoNewPrivs:\s+1$/m.test(status) && /^Seccomp:\s+2$/m.test(status)
}
