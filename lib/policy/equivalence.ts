/**
 * Does a split policy mean the same after a trip through the legacy model (spec EQ-1 … EQ-10, L6-10)? Engines that only
 * understand the legacy model may hold a policy only when it does.
 *
 * The answer depends on the disk: never cache it across a change of directory, environment or tree. March compares lists in
 * order, June without regard to it. Order changes no access, so that is over-caution alone: the library itself asks
 * without regard to order, and only who wants March's own answer compares in order.
 */
import { pathForm } from './canonical.ts'
import { legacyWritableRoots } from './legacy.ts'
import { legacyToSplit } from './legacy-to-split.ts'
import { juneRuntimePolicy } from './legacy-to-split-june.ts'
import { MAIN_MODEL, type Model } from './model.ts'
import { type AbsolutePath, childOf } from './path.ts'
import type { FileSystemSandboxPolicy, LegacySandboxPolicy, NetworkSandboxPolicy } from './policy.ts'
import { type RootContext, readableRoots, rootContext, unreadableGlobs, unreadableRoots } from './roots.ts'
import { splitToLegacy } from './split-to-legacy.ts'
import type { Surroundings } from './types.ts'
import { hasFullDiskRead, hasFullDiskWrite, includesPlatformDefaults } from './whole-disk.ts'
import { writableRoots } from './writable-roots.ts'

export interface EquivalenceOptions {
  readonly model?: Model
  /** The form of paths in lists, when it was made before. */
  readonly form?: RootContext['form']
  /** Whether two lists with the same members in another order differ. Default: false. */
  readonly ordered?: boolean
}

/** The six values a policy is compared by, and since 2026-06 its protected names and patterns, as one text. */
export function semanticSignature(
  policy: FileSystemSandboxPolicy,
  surroundings: Surroundings,
  { model = MAIN_MODEL, form, ordered = false }: EquivalenceOptions = {},
): string {
  const context = rootContext(policy, surroundings, model, form)
  const listed = <Item extends string>(items: readonly Item[]) => (ordered ? items : [...items].sort())
  const roots = writableRoots(context).map(({ root, readOnly, protectedNames = [] }) =>
    JSON.stringify([root, listed(readOnly), listed(protectedNames)]),
  )
  return JSON.stringify([
    hasFullDiskRead(policy),
    hasFullDiskWrite(policy),
    includesPlatformDefaults(policy),
    listed(readableRoots(context)),
    listed(roots),
    listed(unreadableRoots(context)),
    unreadableGlobs(context),
  ])
}

/** Whether two policies give the same access here, whatever the order of their entries. */
export function isSemanticallyEquivalent(
  policy: FileSystemSandboxPolicy,
  other: FileSystemSandboxPolicy,
  surroundings: Surroundings,
  model: Model = MAIN_MODEL,
): boolean {
  const options = { model, form: pathForm(surroundings.files, model) }
  return semanticSignature(policy, surroundings, options) === semanticSignature(other, surroundings, options)
}

// L6-10: a protected name that the legacy root does not protect because nothing stands there.
function hasNameOfItsOwn(context: RootContext, legacy: LegacySandboxPolicy): boolean {
  const legacyRoots = new Map<AbsolutePath, ReadonlySet<AbsolutePath>>()
  for (const { root, readOnly } of legacyWritableRoots(legacy, context.surroundings, context.model)) {
    if (!legacyRoots.has(root)) legacyRoots.set(root, new Set(readOnly))
  }
  return writableRoots(context).some(({ root, protectedNames = [] }) =>
    protectedNames.some(name => legacyRoots.get(root)?.has(childOf(root, name)) !== true),
  )
}

/** Whether only an engine that understands carve-outs may hold the policy. */
export function needsDirectEnforcement(
  policy: FileSystemSandboxPolicy,
  network: NetworkSandboxPolicy,
  surroundings: Surroundings,
  { model = MAIN_MODEL, form = pathForm(surroundings.files, model), ordered = false }: EquivalenceOptions = {},
): boolean {
  if (policy.kind !== 'restricted') return false
  const conversion = splitToLegacy(policy, network, surroundings, model)
  if (conversion.kind === 'refused') return true
  if (model === '2026-06' && hasNameOfItsOwn(rootContext(policy, surroundings, model, form), conversion.policy)) {
    return true
  }
  const rebuilt =
    model === '2026-03'
      ? legacyToSplit(conversion.policy, surroundings)
      : juneRuntimePolicy(conversion.policy, surroundings)
  const options = { model, form, ordered }
  return semanticSignature(policy, surroundings, options) !== semanticSignature(rebuilt, surroundings, options)
}
