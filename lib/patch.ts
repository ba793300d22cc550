/**
 * Patches under a policy. `apply-patch` knows no policies, only somebody to ask (`check`) and somebody to reach the disk
 * through (`access`); this file puts the policy and the addon's openat2(2) there. Both are loaded when they are asked for:
 * without a policy, patches need neither.
 */
import {
  type AppliedPatch,
  applyPatch as applyUnguarded,
  type ApplyOptions as UnguardedApplyOptions,
} from './apply-patch/apply.ts'
import type { FileAccess } from './apply-patch/file-access.ts'
import type { Patch } from './apply-patch/grammar.ts'
import type { PolicyCheck } from './apply-patch/locate.ts'
import { nodeFileAccess } from './apply-patch/node-access.ts'
import { type PatchPlan, planPatch as planUnguarded } from './apply-patch/plan.ts'
import type { PatchOptions as UnguardedPatchOptions } from './apply-patch/session.ts'
import { OptionError } from './errors.ts'
import type { AbsolutePath } from './policy/path.ts'
import { checkNames } from './process/option-names.ts'

export interface PolicyOptions {
  /**
   * What may be written: whatever `createSandbox` takes as a policy. Default, when the option is left out: everything. The
   * patch gets what a command in a sandbox with this policy would get, default protections included.
   */
  readonly policy?: unknown
  /** The directory that the policy is about, for instance the workspace when `cwd` is a directory in it. Default: `cwd`. */
  readonly policyCwd?: string
}

export type PatchOptions = UnguardedPatchOptions & PolicyOptions
export type ApplyOptions = UnguardedApplyOptions & PolicyOptions

const patchOptionNames = [
  'cwd',
  'check',
  'access',
  'signal',
  'overwrite',
  'environment',
  'races',
  'policy',
  'policyCwd',
]
const patchOptions: ReadonlySet<string> = new Set(patchOptionNames)
const applyOptions: ReadonlySet<string> = new Set([...patchOptionNames, 'approved'])

/**
 * Verifies the whole patch against the policy and the disk, then writes it. Each file is written beside its place, synced
 * and switched in one step; a failure switches back.
 *
 * @throws PatchInvalidError (`ERR_PATCH_INVALID`): the text is no patch.
 * @throws PatchRefusedError (`ERR_PATCH_REFUSED`): the policy or `check` does not allow a path.
 * @throws PatchNoMatchError (`ERR_PATCH_NO_MATCH`): a hunk does not fit.
 * @throws PatchConflictError (`ERR_PATCH_CONFLICT`): a file exists, is missing, is a directory, changed meanwhile …
 * @throws PatchIoError (`ERR_PATCH_IO`): the system refused a step; `files` says which files are old and which new.
 * @throws PolicyError (`ERR_POLICY_INVALID`): the policy cannot be read.
 * @throws BackendError (`ERR_BACKEND_UNAVAILABLE`): under a policy, where this system cannot write without a race.
 * @throws OptionError (`ERR_INVALID_OPTION`): an option is misused or does not exist.
 * @throws an AbortError (`ABORT_ERR`) when `signal` is aborted before the first file is switched.
 */
export async function applyPatch(patch: string | Patch, options: ApplyOptions): Promise<AppliedPatch> {
  checkNames(options, applyOptions)
  return applyUnguarded(patch, await guarded(options))
}

/** What `applyPatch` would do now, verified in full; nothing is written. Throws what `applyPatch` would before its first write. */
export async function planPatch(patch: string | Patch, options: PatchOptions): Promise<PatchPlan> {
  checkNames(options, patchOptions)
  return planUnguarded(patch, await guarded(options))
}

async function guarded<Options extends UnguardedPatchOptions>(
  options: Options & PolicyOptions,
): Promise<Options & UnguardedPatchOptions> {
  const { policy, policyCwd, ...plain } = options
  // A policy that a host looked up and did not find must not turn into none.
  for (const name of ['policy', 'check'] as const) {
    if (name in options && options[name] === undefined)
      throw new OptionError(name, `${name} is undefined; leave it out`)
  }
  if (!('policy' in options)) {
    if (policyCwd !== undefined) throw new OptionError('policyCwd', 'policyCwd needs a policy')
    if (options.check === undefined) return plain as unknown as Options
  }
  const access = options.access ?? (await machineAccess())
  if (!('policy' in options)) return { ...(plain as unknown as Options), access }
  const asked = await checkOf(policy, policyCwd ?? options.cwd)
  const check = options.check === undefined ? asked : weaker(asked, options.check)
  return { ...(plain as unknown as Options), access, check }
}

/** The disk through the addon's openat2(2) where there is one; nodeFileAccess knows what to do where there is not. */
async function machineAccess(): Promise<FileAccess> {
  try {
    const { loadBinding } = await import('./native/binding.ts')
    const binding = loadBinding()
    return nodeFileAccess(binding.system === 'linux' ? { beneath: binding } : {})
  } catch {
    return nodeFileAccess()
  }
}

/** The answer of the rules that a sandbox would hold, default protections included, for canonical paths. */
async function checkOf(policy: unknown, cwd: string): Promise<PolicyCheck> {
  const { parseSandboxPolicy } = await import('./policy/sandbox-policy.ts')
  const { resolvePolicy, enforcedAccessOf } = await import('./policy/resolve.ts')
  const { unreadableGlobs } = await import('./policy/roots.ts')
  const { compileGlob, matchesGlobs } = await import('./policy/glob.ts')
  const { ancestorsOf, normalizeAbsolute } = await import('./policy/path.ts')
  const { currentSurroundings } = await import('./host/surroundings.ts')
  // Without a base: a relative path in a policy would mean another place in another host (WIRE-5).
  const parsed = parseSandboxPolicy(policy, { unknownMembers: 'refuse' })
  const surroundings = currentSurroundings({ cwd })
  const resolved = resolvePolicy(parsed, surroundings)
  const globs = unreadableGlobs({ policy: resolved.fileSystem, surroundings }).map(compileGlob)
  // Rules hold what patterns match now; a file that the patch makes is asked about by its name.
  const readable = globs.filter(glob => glob !== null)
  const denied = (path: AbsolutePath) =>
    readable.length < globs.length || ancestorsOf(path).some(one => matchesGlobs(readable, one))
  return path => {
    const asked = normalizeAbsolute(path)
    return globs.length > 0 && denied(asked) ? 'none' : enforcedAccessOf(resolved, asked).access
  }
}

function weaker(one: PolicyCheck, other: PolicyCheck): PolicyCheck {
  return path => {
    const answers = [one(path), other(path)]
    if (answers.every(answer => answer === 'write')) return 'write'
    return answers.every(answer => answer === 'write' || answer === 'read') ? 'read' : 'none'
  }
}
