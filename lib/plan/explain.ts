/**
 * Why a path has the access it has: the rule that decides, the line of the plan that holds it, and what the plan's model
 * says. `policyAccess` and `modelAccess` are found independently of each other; they differ only where a plan's limits, something
 * missing (there is nothing to read where nothing can be created), or the private /dev and the read-only /proc are the reason.
 */
import { unreachable } from '../errors.ts'
import { type AbsolutePath, contains } from '../policy/path.ts'
import { enforcedAccessOf } from '../policy/resolve.ts'
import type { Access, AccessRule, ResolvedPolicy } from '../policy/types.ts'
import { landlockAccessOf } from './linux/landlock-view.ts'
import { makeMountView } from './linux/mount-view.ts'
import { profileAnswer } from './macos/profile-view.ts'
import type { ModelAccess, Plan, PlanLimit } from './plan.ts'
import { accessEntryLine, planLine } from './render.ts'
import { policyPathOf } from './windows/places.ts'
import { windowsPlanAnswer } from './windows/plan-view.ts'
import type { WindowsPath } from './windows/windows-path.ts'

export type DecidedBy =
  | { readonly kind: 'entry'; readonly index: number; readonly spelled: string }
  | { readonly kind: 'protection'; readonly name: string; readonly root: AbsolutePath }
  /** A git directory outside the root, opened by the option `git`. */
  | { readonly kind: 'git'; readonly access: string; readonly root: AbsolutePath }
  | { readonly kind: 'platform-default' }
  /** Nothing in the policy is about this path: it is closed. */
  | { readonly kind: 'no-rule' }
  /** The policy closes nothing, or its sandbox is the host's business. */
  | { readonly kind: 'open-policy' }

export type RuleId =
  /** Nothing matches: closed. */
  | 'ACC-1'
  /** The policy closes nothing. */
  | 'ACC-2'
  /** The deepest entry decides; of several for one place `none` before `write` before `read` (ACC-4). */
  | 'ACC-3'
  /** The git directory. */
  | 'META-1'
  /** What a git pointer file leads to. */
  | 'META-2'
  /** `.agents` and `.codex`. */
  | 'META-3'
  /** The platform's own directories. */
  | 'DISK-7'
  /** The option `git`. */
  | 'GIT'

export interface Explanation {
  /** As asked. */
  readonly path: AbsolutePath
  /** What the kernel calls it; access is decided for this. */
  readonly canonicalPath: AbsolutePath
  /** What a command gets: the model's answer. */
  readonly access: Access
  readonly decidedBy: DecidedBy
  /** The rule of the policy model by which that is so (docs/policy.md has them). */
  readonly rule: RuleId
  /** The place that the deciding rule stands on, canonical, and so the part of `canonicalPath` that matched; null for none. */
  readonly matched: AbsolutePath | null
  /** The operation or rule of the plan that holds the path; null when the plan does not touch the file system. */
  readonly planLine: string | null
  /** What the policy's rules say. */
  readonly policyAccess: Access
  /** What the plan gives. */
  readonly modelAccess: ModelAccess
  /** What the plan does not hold at this path although the policy asks for it. */
  readonly limits: readonly PlanLimit[]
}

export interface ExplainQuestion {
  readonly resolved: ResolvedPolicy
  /** Null: what the policy says alone. */
  readonly plan: Plan | null
  readonly path: AbsolutePath
  readonly canonicalPath: AbsolutePath
}

export function explainPath({ resolved, plan, path, canonicalPath }: ExplainQuestion): Explanation {
  const { access: policyAccess, rule } = enforcedAccessOf(resolved, canonicalPath)
  const { access, line } = plan === null ? { access: policyAccess, line: null } : modelAnswer(plan, canonicalPath)
  const decided = decidedBy(resolved, rule)
  return Object.freeze({
    path,
    canonicalPath,
    access,
    decidedBy: Object.freeze(decided),
    rule: ruleOf(decided),
    matched: rule?.path ?? null,
    planLine: line,
    policyAccess,
    modelAccess: access,
    limits: Object.freeze(
      limitsOf(plan).filter(limit => isAbout(limit, canonicalPath) && concerns(limit, policyAccess, rule)),
    ),
  })
}

function decidedBy(resolved: ResolvedPolicy, rule: AccessRule | null): DecidedBy {
  if (resolved.kind !== 'restricted') return { kind: 'open-policy' }
  return rule === null ? { kind: 'no-rule' } : { ...rule.origin }
}

function ruleOf(decided: DecidedBy): RuleId {
  switch (decided.kind) {
    case 'entry':
      return 'ACC-3'
    case 'no-rule':
      return 'ACC-1'
    case 'open-policy':
      return 'ACC-2'
    case 'platform-default':
      return 'DISK-7'
    case 'git':
      return 'GIT'
    case 'protection':
      if (decided.name === 'git-metadata') return 'GIT'
      if (decided.name === '.git') return 'META-1'
      return decided.name === '.agents' || decided.name === '.codex' ? 'META-3' : 'META-2'
    default:
      return unreachable(decided)
  }
}

/** The answer of the model that belongs to the engine, and the line of the plan that it rests on. */
function modelAnswer(plan: Plan, path: AbsolutePath): { readonly access: ModelAccess; readonly line: string | null } {
  if (plan.kind === 'macos') return profileAnswer(plan, path)
  if (plan.kind === 'windows') {
    const { access, entry } = windowsPlanAnswer(plan, path)
    return { access, line: entry === null ? null : accessEntryLine(entry) }
  }
  if (plan.mounts !== null) {
    const { access, operation } = makeMountView(plan.mounts).at(path)
    return { access, line: planLine(plan, operation) }
  }
  if (plan.engine !== 'landlock' || plan.landlock === null) return { access: 'write', line: null }
  const { rules } = plan.landlock
  // Rights add up; the deepest rule that grants anything here is the one a person looks for.
  const index = rules.reduce(
    (best, rule, at) => (contains(rule.path, path) && rule.path.length > (rules[best]?.path.length ?? 0) ? at : best),
    -1,
  )
  return {
    access: landlockAccessOf(plan.landlock, path),
    line: index < 0 ? null : planLine(plan, index, 'landlock'),
  }
}

function limitsOf(plan: Plan | null): readonly PlanLimit[] {
  return plan?.limits ?? []
}

/** Only limits of Windows plans name a place. */
function isAbout({ path: place }: PlanLimit, path: AbsolutePath): boolean {
  return place === undefined || contains(policyPathOf(place as WindowsPath), path)
}

/** Limits that are about files, and about this one. */
function concerns({ code }: PlanLimit, policyAccess: Access, rule: AccessRule | null): boolean {
  switch (code) {
    case 'protected-paths':
    case 'missing-metadata':
      return rule?.origin.kind === 'protection'
    // Any path may come to match; `rule` only tells those that do now.
    case 'glob-snapshot':
      return policyAccess !== 'none'
    case 'read-open':
    case 'read-grants-only':
      return policyAccess === 'none'
    case 'delete-via-parent':
    case 'low-labelled-places':
    case 'everyone-writable':
    case 'no-acl-volume':
      return policyAccess !== 'write'
    case 'metadata-outside-roots':
    case 'truncate':
    case 'reopened-descriptors':
      return policyAccess !== 'write'
    default:
      return false
  }
}
