/**
 * The law for macOS over the policies of the conformance cases: what the machine answers from the profile of a plan is what the
 * policy's enforced rules answer, on a disk as a Mac has it. What has no plan is refused by name.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { macosAnswer } from '../../lib/plan/macos/answer.ts'
import { platformReadRoots } from '../../lib/plan/macos/platform-defaults.ts'
import { profileAnswer } from '../../lib/plan/macos/profile-view.ts'
import type { MacosPlan } from '../../lib/plan/plan.ts'
import { parseFileSystemPolicy, parseLegacyPolicy } from '../../lib/policy/parse.ts'
import { type AbsolutePath, contains, normalizeAbsolute } from '../../lib/policy/path.ts'
import type { Policy } from '../../lib/policy/policy.ts'
import { enforcedAccessOf, resolvePolicy } from '../../lib/policy/resolve.ts'
import type { ResolvedPolicy, Surroundings } from '../../lib/policy/types.ts'
import { memoryFiles, type TreeWords } from './memory-files.ts'
import { probePaths } from './rule-trees.ts'

interface Case {
  readonly id: string
  readonly note: string
  readonly tree: TreeWords
  readonly env: { readonly TMPDIR?: string; readonly HOME?: string }
  readonly placement?: string
  readonly cwd: string
  readonly processCwd?: string
  readonly fs?: object
  readonly legacy?: object
  readonly network?: 'restricted' | 'enabled'
}

const machine: TreeWords = {
  dirs: [...platformReadRoots, '/private/tmp', '/private/var', '/dev'],
  links: { '/tmp': 'private/tmp', '/var': 'private/var', '/etc': 'private/etc' },
}

const document = readFileSync(new URL('../conformance/cases/policy.json', import.meta.url), 'utf8')
const cases = (JSON.parse(document) as { readonly cases: readonly Case[] }).cases.filter(
  given => given.fs !== undefined || given.legacy !== undefined,
)

function filled(given: Case): { readonly given: Case; readonly base: string } {
  const base = given.placement === 'slash-tmp' ? '/tmp/case' : '/srv/case'
  return { given: JSON.parse(JSON.stringify(given).replaceAll('${' + 'ROOT}', base)) as Case, base }
}

function policiesOf({ cwd, fs, legacy, network }: Case): Policy[] {
  const base = cwd as AbsolutePath
  return [
    ...(fs === undefined
      ? []
      : [
          {
            form: 'split' as const,
            fileSystem: parseFileSystemPolicy(fs, { base }),
            network: network ?? ('restricted' as const),
          },
        ]),
    ...(legacy === undefined ? [] : [{ form: 'legacy' as const, legacy: parseLegacyPolicy(legacy, { base }) }]),
  ]
}

function surroundingsOf(given: Case, base: string): Surroundings {
  const { TMPDIR, HOME } = given.env
  return {
    // As the host gives it.
    policyCwd: normalizeAbsolute(given.cwd),
    processCwd: (given.processCwd ?? base) as AbsolutePath,
    temporaryDirectory: TMPDIR?.startsWith('/') ? TMPDIR : undefined,
    home: HOME,
    files: memoryFiles(base, {
      dirs: [...machine.dirs!, ...(given.tree.dirs ?? [])],
      files: given.tree.files ?? {},
      links: { ...machine.links, ...given.tree.links },
    }),
    platformRoots: platformReadRoots,
  }
}

/** What the base and the defaults of the platform open beside the policy, and paths that no kernel would show. */
function isOutsideLaw(resolved: ResolvedPolicy, path: AbsolutePath): boolean {
  if (contains('/dev' as AbsolutePath, path)) return true
  if (resolved.rules.some(rule => rule.target === 'symlink' && contains(rule.path, path))) return true
  // A file, not a tree, of the defaults.
  return resolved.platformDefaults && (path === '/' || path.startsWith('/System/'))
}

function disagreements(resolved: ResolvedPolicy, plan: MacosPlan): string[] {
  return probePaths(resolved).flatMap(path => {
    if (isOutsideLaw(resolved, path)) return []
    const wanted = enforcedAccessOf(resolved, path).access
    const { access } = profileAnswer(plan, path)
    return access === wanted ? [] : [`${path}: policy ${wanted}, profile ${access}`]
  })
}

describe('the plan of macOS', () => {
  const tally = { held: 0, refused: 0, checks: 0 }

  it.each(cases.map(given => [given.id, given.note, given] as const))('agrees with %s: %s', (_id, _note, raw) => {
    const { given, base } = filled(raw)
    for (const policy of policiesOf(given)) {
      const surroundings = surroundingsOf(given, base)
      const resolved = resolvePolicy(policy, surroundings)
      const answer = macosAnswer(resolved, surroundings)
      if ('refusal' in answer) {
        tally.refused++
        expect(answer.refusal.kind).toBe('not-enforceable')
        expect(['special paths', 'glob snapshot', 'letter case']).toContain(answer.refusal.mechanism)
        continue
      }
      tally.held++
      tally.checks += probePaths(resolved).length
      expect(disagreements(resolved, answer.plan)).toEqual([])
    }
  })

  it('exists for nearly all of them', () => {
    expect(tally.held).toBeGreaterThan(100)
    expect(tally.checks).toBeGreaterThan(1000)
    expect(tally.held / (tally.held + tally.refused)).toBeGreaterThan(0.85)
  })
})
