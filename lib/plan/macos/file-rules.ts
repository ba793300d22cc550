/**
 * The rules of a policy as rules of a profile (spec/macos D.3). Every rule of the policy becomes rules on the same
 * operations, shallow paths first, so that the last rule that matches is the one of the deepest path: whatever a path lies in,
 * the answer is the policy's. Roots that overlap cannot cancel each other's protections.
 *
 *   what is opened beside the policy ─▶ its rules by depth ─▶ devices ─▶ pins ─▶ denied patterns
 */
import { unreachable } from '../../errors.ts'
import { type AbsolutePath, ancestorsOf, baseNameOf, depthOf, parentOf, ROOT } from '../../policy/path.ts'
import { PathTree } from '../../policy/path-tree.ts'
import type { AccessRule } from '../../policy/types.ts'
import type { ClosedPattern } from './glob-regex.ts'
import { lookOperations, readOperations, writeOperations } from './operation-sets.ts'
import type { ProfileParameters } from './parameters.ts'
import { allow, call, deny, literal, pathAncestors, rawPattern, regex, type Sbpl, type SbplRule, tree } from './sbpl.ts'
import type { SbplOperation } from './sbpl-operations.ts'

/** Something opened beside the policy's rules: it gives way to a `none` of the policy, and narrows nothing. */
export interface FileGrant {
  readonly key: string
  readonly path: AbsolutePath
  readonly access: 'read' | 'write' | 'only-write'
}

/** Names that stay read-only in a root in every letter case: on the usual volumes `.Git` is `.git`. */
export interface FoldedName {
  readonly root: AbsolutePath
  readonly name: string
}

export interface FileRulesQuestion {
  /** Sorted by depth, one per path, see `ResolvedPolicy.rules`. */
  readonly rules: readonly AccessRule[]
  readonly grants: readonly FileGrant[]
  readonly foldedNames: readonly FoldedName[]
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
  const { rules, grants, foldedNames } = question
  const policy = fileTree(rules)
  const closesPrograms = rules.some(rule => isClosed(rule))
  const ranked: Ranked[] = [
    ...grants
      .filter(grant => policy.deepestAbove(grant.path)[0]?.access !== 'none')
      .map(grant => ({ depth: depthOf(grant.path), rank: 0, rules: grantRules(grant, question) })),
    ...foldedNames.map(folded => ({
      depth: depthOf(folded.root) + 1,
      rank: 1,
      rules: [foldedRule(folded, question.parameters)],
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
  // The base lets every program be executed; a closed one is not, and below it a re-opened one is.
  const reads: readonly SbplOperation[] = closesPrograms ? [...readOperations, 'process-exec'] : readOperations
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
  const operations = {
    read: readOperations,
    write: [...readOperations, ...writeOperations],
    'only-write': writeOperations,
  }[access]
  return [allow(operations, tree(place))]
}

/** The root is a parameter, quoted by Seatbelt itself; only the name is a pattern, and it is ours. */
function foldedRule({ root, name }: FoldedName, parameters: ProfileParameters): SbplRule {
  const key = parameters.add(`FOLDED_${parameters.size}`, root === ROOT ? '' : root)
  const letters = name.replaceAll(/[^A-Za-z]/g, found => `\\${found}`)
  const pattern = letters.replaceAll(/[A-Za-z]/g, letter => `[${letter.toLowerCase()}${letter.toUpperCase()}]`)
  return deny(writeOperations, [
    call('regex', call('string-append', rawPattern('^'), call('regex-quote', key), rawPattern(`/${pattern}(/.*)?$`))),
  ])
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

/** The protected names at the top of writable roots, for `foldedNames`. */
export function foldedNamesOf(rules: readonly AccessRule[]): FoldedName[] {
  return rules.flatMap(({ path, origin }) => {
    if (origin.kind !== 'protection' || !origin.name.startsWith('.')) return []
    const root = parentOf(path)
    return baseNameOf(path) === origin.name ? [{ root, name: origin.name }] : []
  })
}
