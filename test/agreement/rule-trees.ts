/**
 * Resolved policies made from a few words, and random ones, for tests of everything that comes after resolving.
 * `tree('/ read', '/w write', '/w/.git read', '/gone write missing', '/etc/x none file')`; what is
 * `missing in /w/a` has /w/a as its first component that is not there.
 */
import fc from 'fast-check'

import { type AbsolutePath, contains, depthOf } from '../../lib/policy/path.ts'
import type { Access, AccessRule, FileKind, ResolvedPolicy, RuleOrigin } from '../../lib/policy/types.ts'

const words =
  /^(\/.*?) (read|write|none)(?: (directory|file|symlink|other|missing)(?: in (\/\S*))?)?(?: (platform|protection))?(?: as (\/.*))?$/s

interface RuleWords {
  readonly rule: AccessRule
  readonly spelled: AbsolutePath
}

function parse(text: string, index: number): RuleWords {
  const [, path, access, target = 'directory', first, kind, alias] = words.exec(text) ?? []
  if (path === undefined) throw new Error(`not a rule: ${text}`)
  const spelled = (alias ?? path) as AbsolutePath
  const origin: RuleOrigin =
    kind === 'platform'
      ? { kind: 'platform-default' }
      : kind === 'protection'
        ? { kind: 'protection', name: '.git', root: path.replace(/\/[^/]*$/, '') as AbsolutePath }
        : { kind: 'entry', index, spelled }
  return {
    rule: {
      path: path as AbsolutePath,
      access: access as Access,
      target: target as FileKind,
      ...(first === undefined ? {} : { firstMissing: first as AbsolutePath }),
      origin,
    },
    spelled,
  }
}

export function tree(...lines: string[]): ResolvedPolicy {
  return resolvedOf(lines.map(parse))
}

function resolvedOf(words: readonly RuleWords[], changes: Partial<ResolvedPolicy> = {}): ResolvedPolicy {
  const rules = words.map(({ rule }) => rule)
  rules.sort((a, b) => depthOf(a.path) - depthOf(b.path) || (a.path < b.path ? -1 : 1))
  const fullDiskWrite = rules.length === 1 && rules[0]!.path === '/' && rules[0]!.access === 'write'
  return {
    kind: 'restricted',
    network: 'restricted',
    cwd: '/w' as AbsolutePath,
    fileSystem: {
      kind: 'restricted',
      entries: words.map(({ rule, spelled }) => ({ path: { type: 'path', path: spelled }, access: rule.access })),
    },
    legacy: null,
    needsDirectEnforcement: true,
    fullDiskRead: rules[0]?.path === '/' && rules[0].access !== 'none' && rules.every(rule => rule.access !== 'none'),
    fullDiskWrite,
    platformDefaults: false,
    readableRoots: [],
    writableRoots: rules.filter(rule => rule.access === 'write').map(rule => ({ root: rule.path, readOnly: [] })),
    unreadableRoots: rules.filter(rule => rule.access === 'none').map(rule => rule.path),
    rules,
    globs: null,
    digest: '0'.repeat(64),
    ...changes,
  }
}

export function changed(resolved: ResolvedPolicy, changes: Partial<ResolvedPolicy>): ResolvedPolicy {
  return { ...resolved, ...changes }
}

/** What the rules say, found the slow and obvious way: the longest rule path that contains the asked one. */
export function ruleAt(resolved: ResolvedPolicy, path: AbsolutePath): AccessRule | null {
  let best: AccessRule | null = null
  for (const rule of resolved.rules) {
    if (contains(rule.path, path) && (best === null || rule.path.length > best.path.length)) best = rule
  }
  return best
}

/** What stands where, as the rules have it: directories wherever they say nothing. */
export function kindsOf(resolved: ResolvedPolicy): (path: string) => FileKind {
  const kinds = new Map<string, FileKind>(resolved.rules.map(rule => [rule.path, rule.target]))
  for (const { firstMissing } of resolved.rules) if (firstMissing !== undefined) kinds.set(firstMissing, 'missing')
  return path => kinds.get(path) ?? 'directory'
}

/**
 * Every place where a mistake could show: each rule's path, its parents, a child, a child's child, a sibling and a name that
 * merely starts alike.
 */
export function probePaths(resolved: ResolvedPolicy): AbsolutePath[] {
  const paths = new Set<string>(['/', '/unrelated', '/unrelated/x'])
  for (const { path } of resolved.rules) {
    const plain = path === '/' ? '' : path
    for (const more of ['/child', '/child/below', '/.git', '-alike']) paths.add(`${plain}${more}`)
    for (let up = plain; up !== ''; up = up.slice(0, up.lastIndexOf('/'))) {
      paths.add(up)
      paths.add(`${up.slice(0, up.lastIndexOf('/'))}/sibling`)
    }
  }
  return [...paths].filter(path => path !== '-alike') as AbsolutePath[]
}

interface Node {
  readonly name: string
  readonly access: Access | 'unsaid'
  readonly kind: 'directory' | 'file'
  readonly children: readonly Node[]
}

function flatten(node: Node, parent: string, out: string[]): void {
  const path = `${parent}/${node.name}`
  const isFile = node.kind === 'file' && node.children.length === 0
  if (node.access !== 'unsaid') out.push(`${path} ${node.access} ${isFile ? 'file' : 'directory'}`)
  for (const child of new Map(node.children.map(item => [item.name, item])).values()) flatten(child, path, out)
}

const access = fc.constantFrom<Access>('read', 'write', 'none')

const bushes = fc.letrec<{ node: Node }>(tie => ({
  node: fc.record({
    name: fc.constantFrom('a', 'b', 'a-b', 'c'),
    access: fc.oneof({ weight: 4, arbitrary: access }, { weight: 1, arbitrary: fc.constant('unsaid' as const) }),
    kind: fc.constantFrom('directory', 'file'),
    children: fc.oneof(
      { depthSize: 'medium' },
      fc.constant([]),
      fc.array(tie('node'), { maxLength: 3, depthIdentifier: 'bush' }),
    ),
  }),
}))

/** Wide and flat: several subtrees with siblings, files among them. */
export const ruleBushes: fc.Arbitrary<ResolvedPolicy> = fc
  .record({ root: fc.option(access, { nil: null }), children: fc.array(bushes.node, { maxLength: 4 }) })
  .map(({ root, children }) => {
    const lines: string[] = root === null ? [] : [`/ ${root}`]
    for (const child of new Map(children.map(item => [item.name, item])).values()) flatten(child, '', lines)
    return tree(...lines)
  })

/** The same, where nothing stands at some of the places that are closed and have no rule below them. */
export const ruleBushesWithGaps: fc.Arbitrary<ResolvedPolicy> = fc
  .tuple(ruleBushes, fc.infiniteStream(fc.boolean()))
  .map(([resolved, gaps]) => {
    const { rules } = resolved
    const isLeaf = ({ path }: AccessRule) => !rules.some(other => other.path !== path && contains(path, other.path))
    const missing = (rule: AccessRule): AccessRule => {
      if (rule.access === 'write' || rule.path === '/' || !isLeaf(rule) || gaps.next().value !== true) return rule
      return { ...rule, target: 'missing', firstMissing: rule.path }
    }
    return changed(resolved, { rules: rules.map(missing) })
  })

/** Narrow and deep: one chain of directories whose access changes at random, with gaps between the rules. */
export const ruleNests: fc.Arbitrary<ResolvedPolicy> = fc
  .array(fc.record({ access, gap: fc.integer({ min: 0, max: 2 }) }), { minLength: 1, maxLength: 24 })
  .chain(levels =>
    fc.option(access, { nil: null }).map(root => {
      const lines: string[] = root === null ? [] : [`/ ${root}`]
      let path = ''
      for (const [index, level] of levels.entries()) {
        path = `${path}${'/gap'.repeat(level.gap)}/n${index}`
        lines.push(`${path} ${level.access}`)
      }
      return tree(...lines)
    }),
  )
