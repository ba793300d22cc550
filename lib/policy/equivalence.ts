/**
 * Does a split policy mean the same after a trip through the legacy model (spec EQ-1 … EQ-10, L6-10)? Engines that only
 * understand the legacy model may hold a policy only when it does.
 *
 * The answer depends on the disk: never cache it across a change of directory, environment or tree. March compares lists in
 * order, June without regard to it. Order changes no access, so that is over-caution alone: the library itself asks
 * without regard to order, and only who wants March's own answer compares in order.
 */
import { legacyWritableRoots } from './legacy.ts'
import { legacyToSplit } from './legacy-to-split.ts'
import { juneRuntimePolicy } from './legacy-to-split-june.ts'
import { MAIN_MODEL, type Model } from './model.ts'
import { type AbsolutePath, childOf, ROOT } from './path.ts'
import type { FileSystemSandboxPolicy, LegacySandboxPolicy, NetworkSandboxPolicy } from './policy.ts'
import {
  type DiskLooks,
  diskLooks,
  type RootContext,
  readableRoots,
  rootContext,
  unreadableGlobs,
  unreadableRoots,
} from './roots.ts'
import { splitToLegacy } from './split-to-legacy.ts'
import type { Surroundings } from './types.ts'
import { hasFullDiskRead, hasFullDiskWrite, includesPlatformDefaults } from './whole-disk.ts'
import { writableRoots } from './writable-roots.ts'

export interface EquivalenceOptions {
  readonly model?: Model
  /** When the disk was looked at before. */
  readonly looks?: DiskLooks
  /** When the policy was looked at before, in the same surroundings and model. */
  readonly context?: RootContext
  /** What the policy converts to, when that was asked before, in the same surroundings and model: null for a refusal. */
  readonly legacy?: LegacySandboxPolicy | null
  /** Whether two lists with the same members in another order differ. Default: false. */
  readonly ordered?: boolean
}

/** The values that policies are compared by, each as a text, cheap ones first. */
function* signature(context: RootContext, ordered: boolean): Generator<string> {
  const { policy } = context
  const listed = (items: readonly string[]) => JSON.stringify(ordered ? items : [...items].sort())
  yield JSON.stringify([hasFullDiskRead(policy), hasFullDiskWrite(policy), includesPlatformDefaults(policy)])
  yield JSON.stringify(unreadableGlobs(context))
  yield listed(unreadableRoots(context))
  yield listed(readableRoots(context))
  const roots = writableRoots(context).map(
    ({ root, readOnly, protectedNames = [] }) =>
      `${JSON.stringify(root)} ${listed(readOnly)} ${listed(protectedNames)}`,
  )
  yield listed(roots)
}

/** The six values a policy is compared by, and since 2026-06 its protected names and patterns, as one text. */
export function semanticSignature(
  policy: FileSystemSandboxPolicy,
  surroundings: Surroundings,
  { model = MAIN_MODEL, looks, ordered = false }: EquivalenceOptions = {},
): string {
  return [...signature(rootContext(policy, surroundings, model, looks), ordered)].join('\n')
}

// Stops at the first value that differs.
function sameSignature(one: RootContext, other: RootContext, ordered: boolean): boolean {
  const others = signature(other, ordered)
  for (const value of signature(one, ordered)) if (others.next().value !== value) return false
  return true
}

/**
 * Whether two policies give the same access here, whatever the order of their entries: of what a policy and the legacy form of it
 * mean, say, when a session gets another one. Follows the disk; whether one policy has a legacy form that means the same is
 * `needsDirectEnforcement` of what `resolvePolicy` gives.
 */
export function isSemanticallyEquivalent(
  policy: FileSystemSandboxPolicy,
  other: FileSystemSandboxPolicy,
  surroundings: Surroundings,
  model: Model = MAIN_MODEL,
): boolean {
  const looks = diskLooks(surroundings, model)
  const contextOf = (one: FileSystemSandboxPolicy) => rootContext(one, surroundings, model, looks)
  return sameSignature(contextOf(policy), contextOf(other), false)
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

// The lists that are compared leave a denied root out (ROOT-9), so they do not tell of one that another entry opens by a
// link. The legacy form would open it.
function deniesAnOpenRoot(context: RootContext): boolean {
  const denied = context.access.entries.some(({ path, access }) => path === ROOT && access === 'none')
  return denied && readableRoots(context).includes(ROOT)
}

/** What the policy converts to; null for a refusal. */
export function legacyOf(...question: Parameters<typeof splitToLegacy>): LegacySandboxPolicy | null {
  const conversion = splitToLegacy(...question)
  return conversion.kind === 'converted' ? conversion.policy : null
}

/** Whether only an engine that understands carve-outs may hold the policy. */
export function needsDirectEnforcement(
  policy: FileSystemSandboxPolicy,
  network: NetworkSandboxPolicy,
  surroundings: Surroundings,
  {
    model = MAIN_MODEL,
    context: known,
    looks = known ?? diskLooks(surroundings, model),
    legacy = legacyOf(policy, network, surroundings, model),
    ordered = false,
  }: EquivalenceOptions = {},
): boolean {
  if (policy.kind !== 'restricted') return false
  if (legacy === null) return true
  const context = known ?? rootContext(policy, surroundings, model, looks)
  if (deniesAnOpenRoot(context)) return true
  // A legacy policy denies nothing by name, so its list of unreadable roots is empty: the rest need not be made.
  if (context.access.entries.some(({ path, access }) => access === 'none' && path !== ROOT)) return true
  if (model === '2026-06' && hasNameOfItsOwn(context, legacy)) return true
  const rebuilt = model === '2026-03' ? legacyToSplit(legacy, surroundings) : juneRuntimePolicy(legacy, surroundings)
  return !sameSignature(context, rootContext(rebuilt, surroundings, model, looks), ordered)
}
