/**
 * Brings a policy and its surroundings together (the arrow "resolve" of the design): absolute paths, the root lists of the
 * specification, and the rules a plan must hold. Pure over the `FileSystemView` it is given. Do it at launch time: the
 * result follows the disk and the environment (spec chapter 1).
 */
import { unreachable } from '../errors.ts'
import { canonicalPaths } from './canonical.ts'
import { digestOf } from './digest.ts'
import type { RuleContext } from './entry-rules.ts'
import { legacyOf, needsDirectEnforcement } from './equivalence.ts'
import { deepFreeze } from './freeze.ts'
import { expandGlobs } from './glob-snapshot.ts'
import { networkFromLegacy } from './legacy.ts'
import { legacyToSplit } from './legacy-to-split.ts'
import { MAIN_MODEL } from './model.ts'
import { ROOT } from './path.ts'
import type { FileSystemSandboxPolicy, LegacySandboxPolicy, NetworkSandboxPolicy, Policy } from './policy.ts'
import { resolvedGit } from './protection-rules.ts'
import { rememberingView } from './remembering-view.ts'
import { diskLooks, readableRoots, rootContext, unreadableRoots } from './roots.ts'
import { enforcementRules } from './rules.ts'
import { spellingOf } from './special.ts'
import type { AccessRule, ResolvedPolicy, RuleOrigin, Surroundings } from './types.ts'
import { hasFullDiskRead, hasFullDiskWrite, includesPlatformDefaults } from './whole-disk.ts'
import { writableRoots } from './writable-roots.ts'

// Resolving a policy and asking what was resolved go together.
export { type EnforcedAccess, enforcedAccessOf } from './enforced.ts'

/** Both forms of a policy; `exact` when the legacy form is what the user wrote. */
interface Forms {
  readonly fileSystem: FileSystemSandboxPolicy
  readonly network: NetworkSandboxPolicy
  readonly legacy: LegacySandboxPolicy | null
  readonly exact: boolean
}

function bothForms(policy: Policy, surroundings: Surroundings): Forms {
  switch (policy.form) {
    case 'legacy': {
      const { legacy } = policy
      const fileSystem = legacyToSplit(legacy, surroundings)
      return { fileSystem, network: networkFromLegacy(legacy), legacy, exact: true }
    }
    case 'split': {
      const { fileSystem, network } = policy
      return { fileSystem, network, legacy: legacyOf(fileSystem, network, surroundings), exact: false }
    }
    default:
      return unreachable(policy)
  }
}

/** The origin of "everything is writable": the entry that says so, or the kind, as entry -1. */
function originOfFullWrite({ kind, entries }: FileSystemSandboxPolicy): RuleOrigin {
  if (kind !== 'restricted') return { kind: 'entry', index: -1, spelled: kind }
  const index = entries.findIndex(
    ({ path, access }) => access === 'write' && path.type === 'special' && path.value.kind === 'root',
  )
  return { kind: 'entry', index, spelled: spellingOf(entries[index]!.path) }
}

function rulesOf(context: RuleContext, fullDiskWrite: boolean, platformDefaults: boolean): readonly AccessRule[] {
  if (!fullDiskWrite) return enforcementRules(context, platformDefaults)
  return [{ path: ROOT, access: 'write', target: 'directory', origin: originOfFullWrite(context.policy) }]
}

/**
 * Resolves a policy against its surroundings. The result is deeply frozen.
 *
 * `rules` differ from the intent that `accessOf` answers in three ways, all on purpose: they stand on canonical paths, they
 * hold the default protections, also of names that are missing (an entry for exactly the protected path lifts or replaces
 * one), and they hold the platform's read roots.
 */
export function resolvePolicy(policy: Policy, surroundings: Surroundings): ResolvedPolicy {
  const files = rememberingView(surroundings.files)
  const around: Surroundings = { ...surroundings, files }
  const { fileSystem, network, legacy, exact } = bothForms(policy, around)
  const paths = canonicalPaths(files)
  const looks = diskLooks(around, MAIN_MODEL, paths.canonical)
  const context = rootContext(fileSystem, around, MAIN_MODEL, looks)
  const globs = expandGlobs(fileSystem, around)
  const fullDiskWrite = hasFullDiskWrite(fileSystem)
  const platformDefaults = includesPlatformDefaults(fileSystem)
  const ruleContext = { ...context, paths, matches: globs.entries }
  const git = fullDiskWrite ? null : resolvedGit(ruleContext)
  const resolved = {
    kind: fileSystem.kind,
    network,
    cwd: surroundings.policyCwd,
    fileSystem,
    legacy,
    needsDirectEnforcement: !exact && needsDirectEnforcement(fileSystem, network, around, { context, legacy }),
    fullDiskRead: hasFullDiskRead(fileSystem),
    fullDiskWrite,
    platformDefaults,
    readableRoots: readableRoots(context),
    writableRoots: writableRoots(context),
    unreadableRoots: unreadableRoots(context),
    rules: rulesOf(ruleContext, fullDiskWrite, platformDefaults),
    ...(git === null ? {} : { git }),
    globs: globs.snapshot,
  }
  return deepFreeze({ ...resolved, digest: digestOf(resolved, surroundings) })
}
