/**
 * The rules of a policy as rules of a profile (spec/macos D.3). Every rule of the policy becomes rules on the same
 * operations, shallow paths first, so that the last rule that matches is the one of the deepest path: whatever a path lies in,
 * the answer is the policy's. Roots that overlap cannot cancel each other's protections.
 *
 *   what is opened beside the policy ─▶ its rules by depth ─▶ devices ─▶ pins ─▶ denied patterns
 */
import { unreachable } from '../../errors.ts'
import { type AbsolutePath, ancestorsOf, depthOf, parentOf, ROOT } from '../../policy/path.ts'
import { PathTree } from '../../policy/path-tree.ts'
import type { AccessRule } from '../../policy/types.ts'
import type { ClosedPattern } from './glob-regex.ts'
import { type FoldedPath, foldedPattern } from './letter-case.ts'
import { lookOperations, readOperations, readWithoutMapping, writeOperations } from './operation-sets.ts'
import type { ProfileParameters } from './parameters.ts'
import { allow, call, deny, literal, pathAncestors, rawPattern, regex, type Sbpl, type SbplRule, tree } from './sbpl.ts'
import type { SbplOperation } from './sbpl-operations.ts'

/** Something opened beside the policy's rules: it gives way to a `none` of the policy, and narrows nothing. */
export interface FileGrant {
  readonly key: string
  readonly path: AbsolutePath
  readonly access: 'read' | 'write' | 'only-write'
}

export interface FileRulesQuestion {
  /** Sorted by depth, one per path, see `ResolvedPolicy.rules`. */
  readonly rules: readonly AccessRule[]
  readonly grants: readonly FileGrant[]
  readonly folded: readonly FoldedPath[]
  /** Patterns that close what they match. */
  readonly closed: readonly ClosedPattern[]
  /** Keeps the ancestors of what is closed in their place. */
  readonly pinAncestors: boolean
  readonly parameters: ProfileParameters
}

interface Ranked {
  readonly depth: number
  readonly rank: number
  readonly rules: readonly SbplRule[]
}

/** The policy's rules in the order that decides, with what gives way to them in its place. */
export function entryRules(question: FileRulesQuestion): SbplRule[] {
  const { rules, grants, folded } = question
  const policy = fileTree(rules)
  const closesPrograms = rules.some(rule => isClosed(rule))
  const ranked: Ranked[] = [
    ...grants
      .filter(grant => policy.deepestAbove(grant.path)[0]?.access !== 'none')
      .map(grant => ({ depth: depthOf(grant.path), rank: 0, rules: grantRules(grant, question) })),
    ...folded.map(path => ({
      depth: depthOf(path.base) + path.names.length,
      rank: 1,
      rules: [foldedRule(path, closesPrograms, question.parameters)],
    })),
    ...rules.map((rule, index) => ({
      depth: depthOf(rule.path),
      rank: 2 + index,
      rules: rulesOfEntry(rule, index, closesPrograms, question.parameters),
    })),
  ]
  return ranked.sort((left, right) => left.depth - right.depth || left.rank - right.rank).flatMap(item => item.rules)
}

// A `none` for the whole disk is what a profile starts from.
function isClosed({ path, access }: AccessRule): boolean {
  return access === 'none' && path !== ROOT
}

function fileTree(rules: readonly AccessRule[]): PathTree<AccessRule> {
  const filed = new PathTree<AccessRule>()
  for (const rule of rules) filed.add(rule.path, rule)
  return filed
}

function rulesOfEntry(
  { path, access }: AccessRule,
  index: number,
  closesPrograms: boolean,
  parameters: ProfileParameters,
): SbplRule[] {
  const reads = readsOf(closesPrograms)
  if (path === ROOT) {
    switch (access) {
      case 'none':
        return []
      case 'read':
        return [allow(readOperations)]
      case 'write':
        return [allow([...readOperations, ...writeOperations])]
      default:
        return unreachable(access)
    }
  }
  const place = parameters.add(`PATH_${index}`, path)
  switch (access) {
    case 'none':
      return [deny([...reads, ...writeOperations], tree(place))]
    case 'read':
      return [allow(reads, tree(place)), deny(writeOperations, tree(place)), wayTo(place)]
    case 'write':
      return [allow([...reads, ...writeOperations], tree(place)), wayTo(place)]
    default:
      return unreachable(access)
  }
}

/** Programs look at every directory on the way to a path. */
function wayTo(place: Sbpl): SbplRule {
  return allow(lookOperations, [pathAncestors(place)])
}

function grantRules({ key, path, access }: FileGrant, { parameters }: FileRulesQuestion): SbplRule[] {
  const place = parameters.add(key, path)
  // A grant is about data; programs and libraries come from elsewhere.
  const operations = {
    read: readWithoutMapping,
    write: [...readWithoutMapping, ...writeOperations],
    'only-write': writeOperations,
  }[access]
  return [allow(operations, tree(place))]
}

/** What stands is a parameter, quoted by Seatbelt itself; only the names below it are a pattern, which is escaped. */
function foldedRule(
  { base, names, access }: FoldedPath,
  closesPrograms: boolean,
  parameters: ProfileParameters,
): SbplRule {
  const key = parameters.add(`FOLDED_${parameters.size}`, base === ROOT ? '' : base)
  const operations = access === 'none' ? [...readsOf(closesPrograms), ...writeOperations] : writeOperations
  const pattern = rawPattern(`${foldedPattern(names)}(/.*)?$`)
  return deny(operations, [call('regex', call('string-append', rawPattern('^'), call('regex-quote', key), pattern))])
}

/** The base lets every program be executed; a closed one is not, and below it a re-opened one is. */
function readsOf(closesPrograms: boolean): readonly SbplOperation[] {
  return closesPrograms ? [...readOperations, 'process-exec'] : readOperations
}

/**
 * Whoever moves a directory away can put another in its place, or write in the moved one under its new name. So whatever has
 * something closed below it and may be written itself stays where it is.
 */
export function pinRules({ rules, closed, parameters, pinAncestors }: FileRulesQuestion): SbplRule[] {
  if (!pinAncestors) return []
  const policy = fileTree(rules)
  const pinned = new Set<AbsolutePath>()
  const pin = (path: AbsolutePath) => {
    if (policy.deepestAbove(path)[0]?.access === 'write') pinned.add(path)
  }
  for (const rule of rules) {
    if (rule.access !== 'write') for (const above of properAncestorsOf(rule.path)) pin(above)
  }
  for (const { base } of closed) for (const ancestor of ancestorsOf(base)) pin(ancestor)
  return [...pinned].map((path, index) =>
    deny(['file-write-unlink'], [literal(parameters.add(`PINNED_${index}`, path))]),
  )
}

function properAncestorsOf(path: AbsolutePath): AbsolutePath[] {
  return path === ROOT ? [] : ancestorsOf(parentOf(path))
}

/** Last of all: what a denying pattern matches is closed whatever opens it. */
export function patternRules({ closed }: FileRulesQuestion): SbplRule[] {
  const operations: SbplOperation[] = [...readOperations, 'process-exec', ...writeOperations, 'file-write-unlink']
  return [...new Set(closed.map(({ regex: pattern }) => pattern))].map(pattern => deny(operations, [regex(pattern)]))
}
