import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { indexAccess, resolveEntries } from '../../lib/policy/access.ts'
import { canonicalPaths } from '../../lib/policy/canonical.ts'
import { needsDirectEnforcement, semanticSignature } from '../../lib/policy/equivalence.ts'
import type { GlobSearch } from '../../lib/policy/glob-snapshot.ts'
import { networkFromLegacy } from '../../lib/policy/legacy.ts'
import { legacyToSplit } from '../../lib/policy/legacy-to-split.ts'
import { type AbsolutePath, contains, depthOf, joinPath, parentOf, ROOT } from '../../lib/policy/path.ts'
import type { FileSystemSandboxPolicy, LegacySandboxPolicy, Policy } from '../../lib/policy/policy.ts'
import { enforcedAccessOf, resolvePolicy } from '../../lib/policy/resolve.ts'
import { splitToLegacy } from '../../lib/policy/split-to-legacy.ts'
import type { Access, FileSystemView, ResolvedPolicy, Surroundings } from '../../lib/policy/types.ts'
import {
  anyEntry,
  anyLegacy,
  anyPath,
  anyRestricted,
  anySurroundings,
  anyTree,
  linkedTree,
  plainTree,
} from './worlds.ts'

const RUNS = { numRuns: 600 }
/** How many questions the index is asked beside the rule; `npm run questions` asks a million. */
const QUESTIONS = Number(process.env['CASTELLAN_POLICY_QUESTIONS'] ?? 20_000)
const BREADTH: Readonly<Record<Access, number>> = { none: 0, read: 1, write: 2 }
const CONFLICT: Readonly<Record<Access, number>> = { read: 0, write: 1, none: 2 }

function split(fileSystem: FileSystemSandboxPolicy): Policy {
  return { form: 'split', fileSystem, network: 'restricted' }
}

// The rule as the specification words it, one entry after the other.
function naiveAccess(policy: FileSystemSandboxPolicy, surroundings: Surroundings, path: AbsolutePath): Access {
  const matching = resolveEntries(policy, surroundings).filter(entry => contains(entry.path, path))
  const deepest = Math.max(0, ...matching.map(entry => depthOf(entry.path)))
  const tied = matching.filter(entry => depthOf(entry.path) === deepest)
  const sorted = tied.sort((left, right) => CONFLICT[right.access] - CONFLICT[left.access])
  return sorted[0]?.access ?? 'none'
}

// PATH-5 as the specification words it: the nearest ancestor that resolves, and the rest by name.
function naiveCanonical(files: FileSystemView, path: AbsolutePath): AbsolutePath {
  for (let ancestor = path; ; ancestor = parentOf(ancestor)) {
    const real = files.realPath(ancestor)
    if (real !== null) return joinPath(real, path.slice(ancestor === '/' ? 0 : ancestor.length))
    if (ancestor === '/') return path
  }
}

// What a back end makes of the lists: the deepest mark wins, ties as among entries (ROOT-5: a writable root re-opens).
function accessByLists(resolved: ResolvedPolicy, surroundings: Surroundings, path: AbsolutePath): Access {
  const { readableRoots, writableRoots, unreadableRoots } = resolved
  const denied = new Set<AbsolutePath>(unreadableRoots)
  // ROOT-9 leaves the root itself out of the list, not out of the policy.
  const entries = resolveEntries(resolved.fileSystem, surroundings)
  if (entries.some(entry => entry.path === ROOT && entry.access === 'none')) denied.add(ROOT)
  const kept = writableRoots.flatMap(({ readOnly }) => readOnly.map(item => naiveCanonical(surroundings.files, item)))
  const mark = (paths: Iterable<AbsolutePath>, access: Access) => [...paths].map(item => ({ path: item, access }))
  const marks = [
    ...mark(resolved.fullDiskRead ? [ROOT] : readableRoots, 'read'),
    ...mark(
      writableRoots.map(({ root }) => root),
      'write',
    ),
    ...mark(denied, 'none'),
    ...mark(kept, 'read'),
  ]
  const order = (item: (typeof marks)[number]) => depthOf(item.path) * 10 + CONFLICT[item.access]
  const matching = marks.filter(item => contains(item.path, path))
  return matching.sort((left, right) => order(right) - order(left))[0]?.access ?? 'none'
}

describe('index', () => {
  it(`answers what the rule says one entry at a time, ${QUESTIONS} times`, { timeout: 3_600_000 }, () => {
    const each = 50
    const paths = fc.array(anyPath, { minLength: each, maxLength: each })
    let asked = 0
    fc.assert(
      fc.property(anyRestricted, anySurroundings(anyTree), paths, (policy, surroundings, questions) => {
        const index = indexAccess(policy, surroundings)
        for (const path of questions) {
          asked++
          const [answer, rule] = [index.accessAt(path), naiveAccess(policy, surroundings, path)]
          if (answer !== rule) expect(answer, path).toBe(rule)
        }
      }),
      { numRuns: QUESTIONS / each },
    )
    expect(asked).toBe(QUESTIONS)
  })
})

describe('canonical paths', () => {
  it('are what the nearest resolvable ancestor gives', () => {
    fc.assert(
      fc.property(anySurroundings(anyTree), fc.array(anyPath), ({ files }, paths) => {
        const remembered = canonicalPaths(files)
        for (const path of paths) expect(remembered.canonical(path)).toBe(naiveCanonical(files, path))
      }),
      RUNS,
    )
  })
})

describe('resolved rules', () => {
  it('do not depend on the order of entries', () => {
    const shuffled = anyRestricted.chain(policy =>
      fc.tuple(
        fc.constant(policy),
        fc.shuffledSubarray([...policy.entries], { minLength: policy.entries.length }),
        anySurroundings(anyTree),
      ),
    )
    fc.assert(
      fc.property(shuffled, ([policy, entries, surroundings]) => {
        const meaning = (fileSystem: FileSystemSandboxPolicy) => {
          const { rules, digest } = resolvePolicy(split(fileSystem), surroundings)
          return { digest, rules: rules.map(({ path, access, target }) => [path, access, target]) }
        }
        expect(meaning({ ...policy, entries })).toEqual(meaning(policy))
      }),
      RUNS,
    )
  })

  it('never widen when a `none` entry is added', () => {
    fc.assert(
      fc.property(
        anyRestricted,
        anyEntry,
        anySurroundings(anyTree),
        fc.array(anyPath, { minLength: 5 }),
        (policy, { path }, surroundings, paths) => {
          const narrowed = { ...policy, entries: [...policy.entries, { path, access: 'none' as const }] }
          const before = resolvePolicy(split(policy), surroundings)
          const after = resolvePolicy(split(narrowed), surroundings)
          for (const asked of paths.map(item => naiveCanonical(surroundings.files, item))) {
            const [was, is] = [enforcedAccessOf(before, asked).access, enforcedAccessOf(after, asked).access]
            expect(BREADTH[is], `${asked}: ${was} became ${is}`).toBeLessThanOrEqual(BREADTH[was])
          }
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('never widen when a pattern is added, whatever it matches', () => {
    const added = fc.record({
      pattern: fc.constantFrom('**/a', '*', '{a,b}/c', '**/.git/**', '[a-b]'),
      matches: fc.array(anyPath, { maxLength: 4 }),
    })
    fc.assert(
      fc.property(
        anyRestricted,
        added,
        anySurroundings(anyTree),
        fc.array(anyPath, { minLength: 5 }),
        (policy, { pattern, matches }, surroundings, paths) => {
          // Only below the working directory, which every pattern here begins in.
          const index = policy.entries.length
          const below = matches.map(match => ({ path: joinPath(surroundings.policyCwd, match), index }))
          const globs: GlobSearch = { find: () => ({ kind: 'found', matches: below }) }
          const entry = { path: { type: 'glob_pattern' as const, pattern }, access: 'none' as const }
          const before = resolvePolicy(split(policy), { ...surroundings, globs })
          const after = resolvePolicy(split({ ...policy, entries: [...policy.entries, entry] }), {
            ...surroundings,
            globs,
          })
          for (const asked of paths.map(item => naiveCanonical(surroundings.files, item))) {
            const [was, is] = [enforcedAccessOf(before, asked).access, enforcedAccessOf(after, asked).access]
            expect(BREADTH[is], `${asked}: ${was} became ${is}`).toBeLessThanOrEqual(BREADTH[was])
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('answer what the policy intends where no link and no protection stands', () => {
    fc.assert(
      fc.property(anyRestricted, anySurroundings(plainTree), fc.array(anyPath), (policy, surroundings, paths) => {
        const resolved = resolvePolicy(split(policy), surroundings)
        const index = indexAccess(policy, surroundings)
        for (const path of paths) {
          const { access, rule } = enforcedAccessOf(resolved, path)
          if (rule?.origin.kind === 'protection') expect(access).toBe('read')
          else expect(access).toBe(index.accessAt(path))
        }
      }),
      RUNS,
    )
  })

  it('are sorted by depth, one per path, and frozen', () => {
    fc.assert(
      fc.property(anyRestricted, anySurroundings(anyTree), (policy, surroundings) => {
        const { rules } = resolvePolicy(split(policy), surroundings)
        const depths = rules.map(rule => depthOf(rule.path))
        expect(depths).toEqual([...depths].sort((left, right) => left - right))
        expect(new Set(rules.map(rule => rule.path)).size).toBe(rules.length)
        expect(rules.every(rule => Object.isFrozen(rule) && Object.isFrozen(rule.origin))).toBe(true)
      }),
      RUNS,
    )
  })

  it('say what the root lists of the specification say', () => {
    fc.assert(
      fc.property(
        anyRestricted,
        anySurroundings(linkedTree),
        fc.array(anyPath, { minLength: 5 }),
        (policy, surroundings, paths) => {
          const resolved = resolvePolicy(split(policy), surroundings)
          fc.pre(!resolved.platformDefaults && !resolved.fullDiskWrite)
          for (const asked of paths.map(item => naiveCanonical(surroundings.files, item))) {
            const { access, rule } = enforcedAccessOf(resolved, asked)
            if (rule?.target === 'symlink') continue
            const listed = accessByLists(resolved, surroundings, asked)
            // The lists of the specification leave protected names that are missing to the back end.
            const missing = rule?.origin.kind === 'protection' && rule.target === 'missing'
            expect([access, listed], asked).toEqual(missing ? ['read', 'write'] : [listed, listed])
          }
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('give nobody more than the policy intends for the name of an entry', () => {
    fc.assert(
      fc.property(anyRestricted, anySurroundings(anyTree), (policy, surroundings) => {
        const resolved = resolvePolicy(split(policy), surroundings)
        const denied = indexAccess(policy, surroundings).entries.filter(entry => entry.access === 'none')
        for (const { path } of denied) {
          const canonical = naiveCanonical(surroundings.files, path)
          expect(enforcedAccessOf(resolved, canonical).access).toBe('none')
        }
      }),
      RUNS,
    )
  })
})

/** There and back. */
function trip(legacy: LegacySandboxPolicy, surroundings: Surroundings): LegacySandboxPolicy {
  const back = splitToLegacy(legacyToSplit(legacy, surroundings), networkFromLegacy(legacy), surroundings)
  if (back.kind === 'refused') throw new Error('a legacy policy has a legacy form')
  return back.policy
}

/** Whether a policy names each writable root once, and reads everything: then there is one way to write it down. */
function saysNothingTwice(legacy: LegacySandboxPolicy, { policyCwd }: Surroundings): boolean {
  if (legacy.type === 'read-only') return legacy.access.type === 'full-access'
  if (legacy.type !== 'workspace-write') return true
  const { writable_roots: roots, read_only_access: access } = legacy
  return access.type === 'full-access' && new Set(roots).size === roots.length && !roots.includes(policyCwd)
}

describe('conversion', () => {
  it('is the identity on legacy policies, there and back, once what they say twice is said once', () => {
    let identical = 0
    fc.assert(
      fc.property(anyLegacy, anySurroundings(anyTree), (legacy, surroundings) => {
        const once = trip(legacy, surroundings)
        expect(trip(once, surroundings)).toEqual(once)
        if (!saysNothingTwice(legacy, surroundings)) return
        identical++
        expect(once).toEqual(legacy)
      }),
      RUNS,
    )
    expect(identical).toBeGreaterThan(100)
  })

  it('gives a legacy policy back after a trip through the split model', () => {
    fc.assert(
      fc.property(anyLegacy, anySurroundings(anyTree), (legacy, surroundings) => {
        const fileSystem = legacyToSplit(legacy, surroundings)
        const network = networkFromLegacy(legacy)
        const back = splitToLegacy(fileSystem, network, surroundings)
        if (back.kind === 'refused') throw new Error('a legacy policy has a legacy form')
        expect(networkFromLegacy(back.policy)).toBe(network)
        const again = legacyToSplit(back.policy, surroundings)
        expect(semanticSignature(again, surroundings)).toBe(semanticSignature(fileSystem, surroundings))
        expect(needsDirectEnforcement(fileSystem, network, surroundings)).toBe(false)
      }),
      RUNS,
    )
  })
})
