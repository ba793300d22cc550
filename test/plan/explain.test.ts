import { describe, expect, it } from 'vitest'

import { type ChooseOptions, choosePlan } from '../../lib/plan/choose.ts'
import { explainPath } from '../../lib/plan/explain.ts'
import { planLine, renderPlan } from '../../lib/plan/render.ts'
import type { AbsolutePath } from '../../lib/policy/path.ts'
import type { ResolvedPolicy } from '../../lib/policy/types.ts'
import { changed, tree } from '../agreement/rule-trees.ts'
import { fullMachine } from './linux/capabilities.ts'

function planOf(resolved: ResolvedPolicy, options: Partial<ChooseOptions> = {}) {
  const choice = choosePlan({ resolved, capabilities: fullMachine, options: { guardTag: false, ...options } })
  if ('refusal' in choice) throw new Error(choice.refusal.message)
  return choice.plan
}

function explain(resolved: ResolvedPolicy, path: string, options: Partial<ChooseOptions> = {}, canonicalPath = path) {
  const question = { resolved, plan: planOf(resolved, options), path, canonicalPath }
  return explainPath(question as Parameters<typeof explainPath>[0])
}

const repository = tree(
  '/ read',
  '/w write',
  '/w/.git read directory protection',
  '/w/.env none file',
  '/w/vault none',
  '/w/vault/open write',
)
const closed = tree('/usr read directory platform', '/w write')
const legacy = changed(tree('/ read', '/w write', '/w/.git read directory protection'), {
  needsDirectEnforcement: false,
})

describe('explainPath', () => {
  it.each([
    ['/w/src/a.ts', 'write', { kind: 'entry', index: 1, spelled: '/w' }, 'bind write directory "/w"'],
    ['/etc/passwd', 'read', { kind: 'entry', index: 0, spelled: '/' }, 'host-tree read'],
    ['/w/.git/config', 'read', { kind: 'protection', name: '.git', root: '/w' }, 'bind read directory "/w/.git"'],
    ['/w/.env', 'none', { kind: 'entry', index: 3, spelled: '/w/.env' }, 'mask-file "/w/.env"'],
    ['/w/vault/x', 'none', { kind: 'entry', index: 4, spelled: '/w/vault' }, 'mask-directory passable "/w/vault"'],
    [
      '/w/vault/open/x',
      'write',
      { kind: 'entry', index: 5, spelled: '/w/vault/open' },
      'bind write directory "/w/vault/open"',
    ],
  ] as const)('tells who decides about %s and what holds it', (path, access, decidedBy, line) => {
    expect(explain(repository, path)).toEqual({
      path,
      canonicalPath: path,
      access,
      decidedBy,
      rule: decidedBy.kind === 'entry' ? 'ACC-3' : 'META-1',
      matched: expect.stringMatching(/^\//),
      planLine: line,
      policyAccess: access,
      modelAccess: access,
      limits: [],
    })
  })

  it.each([
    ['/home/me/.ssh', 'none', { kind: 'no-rule' }, 'empty-root'],
    ['/usr/bin/node', 'read', { kind: 'platform-default' }, 'bind read directory "/usr"'],
  ] as const)('tells the same in an empty root: %s', (path, access, decidedBy, line) => {
    expect(explain(closed, path)).toMatchObject({ access, decidedBy, planLine: line })
  })

  it('decides by the canonical path and repeats the one that was asked', () => {
    expect(explain(repository, '/link', {}, '/w/.env')).toMatchObject({ path: '/link', access: 'none' })
  })

  it('shows where the private /dev differs from the policy', () => {
    expect(explain(repository, '/dev/null')).toMatchObject({
      policyAccess: 'read',
      modelAccess: 'write',
      planLine: 'devices',
    })
    expect(explain(repository, '/dev/sda')).toMatchObject({ policyAccess: 'read', access: 'none' })
    expect(explain(repository, '/proc/cpuinfo')).toMatchObject({ access: 'read', planLine: 'process-files' })
  })

  it('shows what Landlock alone does not hold at the path', () => {
    const options = { engines: ['landlock'] } as const
    const git = explain(legacy, '/w/.git/config', options)
    expect(git).toMatchObject({ policyAccess: 'read', modelAccess: 'write', access: 'write' })
    expect(git.limits.map(({ code }) => code)).toContain('protected-paths')
    const source = explain(legacy, '/w/src', options)
    expect([source.access, source.limits]).toEqual(['write', []])
    expect(source.planLine).toMatch(/"\/w" .*WRITE_FILE/)
    const outside = explain(legacy, '/etc/passwd', options)
    expect([outside.access, outside.limits.map(({ code }) => code)]).toEqual(['read', ['metadata-outside-roots']])
    expect(outside.planLine).toMatch(/"\/" .*READ_FILE/)
  })

  it('says that an open policy closes nothing', () => {
    const open = changed(tree('/ write'), { kind: 'unrestricted', fullDiskWrite: true })
    expect(explain(open, '/etc')).toMatchObject({ access: 'write', decidedBy: { kind: 'open-policy' }, planLine: null })
  })
})

describe('renderPlan', () => {
  it('has a line for every part of the plan', async () => {
    const lines = renderPlan(planOf(repository, { bubblewrap: 'require' }))
    const stable = lines.map(line => line.replace(/^(digest) .*|^(seccomp \w+), \d+ rules$/, '$1$2'))
    await expect(`${stable.join('\n')}\n`).toMatchFileSnapshot('../golden/mount-plan-text.txt')
  })

  it('names each step by its index', () => {
    const plan = planOf(repository)
    expect(plan.mounts!.operations.map((_, index) => `mount ${planLine(plan, index)}`)).toEqual(
      renderPlan(plan).filter(line => line.startsWith('mount ')),
    )
    expect(planLine(plan, 0, 'landlock')).toContain(JSON.stringify(plan.landlock!.rules[0]!.path))
    for (const [index, part] of [
      [-1, 'mounts'],
      [999, 'mounts'],
      [-1, 'landlock'],
      [999, 'landlock'],
    ] as const) {
      expect(() => planLine(plan, index, part)).toThrow(/no (mounts|landlock) line/)
    }
  })

  it('writes every path on one line, without control characters', () => {
    const odd = '/w/a\nb\u001b[31m\u009b' as AbsolutePath
    const lines = renderPlan(planOf(tree('/ read', `${odd} write`)))
    expect(lines.every(line => /^[^\u0000-\u001f\u007f-\u009f]*$/.test(line))).toBe(true)
  })
})
