/** The second half of docs/policy.md, sentence by sentence: presets, conversion, what is refused, looking at a policy. */
import { mkdirSync, writeFileSync } from 'node:fs'
import nodePath from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

import { createSandbox, inspectPolicy } from '../../lib/index.ts'
import { legacyToSplit } from '../../lib/policy/legacy-to-split.ts'
import { resolvePolicy } from '../../lib/policy/resolve.ts'
import { parseSandboxPolicy } from '../../lib/policy/sandbox-policy.ts'
import type { Surroundings } from '../../lib/policy/types.ts'
import { castellan, ensureBuilt, temporaryPlace } from '../cli/castellan.ts'
import { around, page, policyNamed, proseOf, tableAfter } from './docs-page.ts'
import { entry, frame, gets, nothingElse, PRESETS, says, special, split, toml } from './docs-sentences.ts'

const place = temporaryPlace()
afterAll(() => place.remove())
const work = nodePath.join(place.path, 'work')
mkdirSync(nodePath.join(work, '.git'), { recursive: true })
writeFileSync(nodePath.join(work, '.git/config'), '')
writeFileSync(nodePath.join(work, '.git/HEAD'), 'ref: refs/heads/main\n')

describe('docs/policy.md says', () => {
  const spots = {
    workspace: ['/work/x', '/work/src/x'],
    secrets: ['/work/.env', '/work/src/.env', '/work/a.key'],
    platform: ['/usr/bin/sh', '/etc/passwd'],
    temporary: ['/tmp/x', '/scratch/x'],
    elsewhere: ['/home/me/x', '/data'],
  }
  const everything = Object.values(spots).flat()
  const meaning: Readonly<Record<string, readonly string[]>> = {
    everything,
    nothing: [],
    'the working directory, /tmp, $TMPDIR': [...spots.workspace, ...spots.secrets, ...spots.temporary],
    // A secret cannot be written either, which the next column of that row does not say again.
    'the working directory': spots.workspace,
    "the working directory and the platform's directories, without files named like secrets": [
      ...spots.workspace,
      ...spots.platform,
    ],
  }
  it.each(tableAfter('presets'))('what the preset %s opens', (word = '', readable = '', writable = '', network) => {
    const surroundings: Surroundings = { ...around, temporaryDirectory: '/scratch' }
    const policy = parseSandboxPolicy(word)
    const access = Object.entries(gets(policy, everything, surroundings))
    const where = (test: (word: string) => boolean) => access.filter(([, word]) => test(word)).map(([name]) => name)
    expect(where(word => word !== 'none').toSorted()).toEqual(meaning[readable]?.toSorted())
    expect(where(word => word === 'write').toSorted()).toEqual(meaning[writable]?.toSorted())
    expect(resolvePolicy(policy, surroundings).network).toBe(network === 'yes' ? 'enabled' : 'restricted')
  })

  const legacyWords = ['read-only', 'workspace-write', 'danger-full-access', 'external-sandbox']
  frame('This is what `workspace-write` is:', 'Of the examples above:')
  says(
    'The **legacy** model has four words: `read-only`, `workspace-write`, `danger-full-access`, `external-sandbox`.',
    () => {
      for (const type of legacyWords)
        expect(parseSandboxPolicy({ type })).toMatchObject({ form: 'legacy', legacy: { type } })
      expect(() => parseSandboxPolicy({ type: 'strict' })).toThrow(/external-sandbox/)
    },
  )

  says('The **split** model has the entries above.', () => {
    for (const name of ['nested', 'ties', 'minimal', 'patterns']) expect(policyNamed(name).form).toBe('split')
  })

  says('Every legacy policy is also a split one.', () => {
    for (const type of legacyWords) {
      const policy = parseSandboxPolicy({ type })
      if (policy.form !== 'legacy') throw new Error('a legacy policy was expected')
      const fileSystem = legacyToSplit(policy.legacy, around)
      const { network } = resolvePolicy(policy, around)
      const places = ['/work/x', '/work/.git/config', '/tmp/x', '/etc', '/home/me']
      expect(gets({ form: 'split', fileSystem, network }, places)).toEqual(gets(policy, places))
    }
  })

  says('The other way round only some have a legacy form that means the same.', () => {
    const isSame = (name: string) => !resolvePolicy(policyNamed(name), around).needsDirectEnforcement
    expect([isSame('closed'), isSame('nested')]).toEqual([true, false])
  })

  says(
    '`castellan policy convert --to legacy` refuses what would lose something, and names the path that would change.',
    () => {
      ensureBuilt()
      const text = JSON.stringify({ kind: 'restricted', entries: [special('root', 'read'), entry('/etc/ssl', 'none')] })
      const { code, stdout, stderr } = castellan(['policy', 'convert', '-', '--to', 'legacy'], {
        cwd: work,
        input: text,
      })
      expect([code, stdout]).toEqual([125, ''])
      expect(stderr).toContain('/etc/ssl would be read instead of none (ERR_POLICY_NO_ROUND_TRIP)')
    },
  )

  says(
    'Policies of 2026-03 and of 2026-06 are both read: `deny` is `none`, `:project_roots` is `:workspace_roots`.',
    () => {
      const filed = (name: string, word: string) =>
        gets(toml(`[permissions.p.filesystem]\n":root" = "read"\n"${name}" = "${word}"`), ['/x', '/work/x'])
      const wanted = { '/x': 'read', '/work/x': 'none' }
      expect([filed(':project_roots', 'deny'), filed(':workspace_roots', 'none')]).toEqual([wanted, wanted])
      expect(split(entry('/a', 'deny'))).toEqual(split(entry('/a', 'none')))
    },
  )

  says(
    'Give the file as it is: `castellan policy check ~/.codex/config.toml --profile NAME`, or `parsePermissionsToml` in `castellan/policy`.',
    () => {
      const text = 'model = "m"\n[mcp_servers.x]\ncommand = "c"\n[permissions.p.filesystem]\n":root" = "read"\n'
      expect(gets(toml(text), ['/x'])).toEqual({ '/x': 'read' })
      ensureBuilt()
      writeFileSync(nodePath.join(work, 'config.toml'), text)
      const { stdout } = castellan(['policy', 'check', 'config.toml', '--profile', 'p'], { cwd: work })
      expect(stdout).toMatch(/^valid: config\.toml, profile p /)
    },
  )

  says("Profiles inherit with `extends`; a child's word replaces its parent's for the same place.", () => {
    const wanted = { '/x': 'read', '/work/x': 'write', '/work/secret': 'none' }
    expect(gets(policyNamed('inherited'), Object.keys(wanted))).toEqual(wanted)
  })

  says('`:read-only` and `:workspace` are there to be extended.', () => {
    const child = (parent: string) =>
      toml(`[permissions.p]\nextends = "${parent}"\n[permissions.p.filesystem]\n"/v" = "none"`)
    const places = ['/etc', '/work/x', '/v']
    expect(Object.values(gets(child(':read-only'), places))).toEqual(['read', 'read', 'none'])
    expect(Object.values(gets(child(':workspace'), places))).toEqual(['read', 'write', 'none'])
  })

  frame(
    'A mistake is refused with its line and column, in TOML and in JSON (`parsePolicyJson`), because a policy that is not',
  )
  frame('what its author meant protects nothing:')
  says('An open network that only a proxy could limit is refused as well (`ERR_POLICY_NOT_ENFORCEABLE`).', () => {
    const network = (text: string) =>
      toml(`[permissions.p.filesystem]\n":root" = "read"\n[permissions.p.network]\n${text}`)
    expect(network('enabled = true')).toMatchObject({ network: 'enabled' })
    for (const limited of ['mode = "limited"', 'allowed_domains = ["example.org"]']) {
      expect(() => network(`enabled = true\n${limited}`)).toThrow(
        expect.objectContaining({ code: 'ERR_POLICY_NOT_ENFORCEABLE', mechanism: 'network proxy' }),
      )
      expect(network(`enabled = false\n${limited}`)).toMatchObject({ network: 'restricted' })
    }
  })

  const engines = ['namespace', 'bwrap', 'landlock', 'seatbelt', 'restricted-token', 'elevated']

  it('what its three commands print', () => {
    ensureBuilt()
    writeFileSync(nodePath.join(work, 'policy.json'), '"workspace-write"')
    const told = (...words: string[]) => castellan(words, { cwd: work }).stdout
    const checked = told('policy', 'check', 'policy.json')
    expect(checked).toMatch(/^valid: policy\.json /)
    for (const engine of engines) expect(checked).toMatch(new RegExp(`\\b${engine}\\b`))
    expect(told('policy', 'show', 'strict')).toMatch(/── .*^digest +[0-9a-f]{64}$/ms)
    // A policy that needs no engine, so that the command answers on every machine.
    const explained = told('explain', '-p', 'full-access', '.git/config')
    expect(explained).toMatch(/PATH +ACCESS +DECIDED BY +RULE +HELD BY/)
    for (const engine of engines) expect(explained).toMatch(new RegExp(`\\b${engine}\\b`))
  }, 60_000)

  says(
    '`explain` tells by which rule a path has its access, the place that matched, and what the engines of every system would do.',
    async () => {
      const { explain } = await inspectPolicy({ policy: 'workspace-write', cwd: work })
      const answer = explain('.git/config')
      expect(answer).toMatchObject({ access: 'read', rule: 'META-1', matched: nodePath.join(work, '.git') })
      expect(answer.engines.map(({ engine }) => engine)).toEqual(engines)
      expect(answer.engines.at(3)).toMatchObject({ system: 'macos', state: 'would-hold', access: 'read' })
      expect(answer.engines.at(4)).toMatchObject({ system: 'windows', state: 'would-hold', access: 'read' })
    },
  )

  frame('These are the rules, each with a path that it decides:')
  frame(
    '(`worktree` is `workspace-write` with the roots `/tree`, a linked worktree, and `/repo`; `git` is `hooks-and-config-protected`.)',
  )
  says(
    'Programs get the same from `inspectPolicy`, and from `sandbox.explain(path)` for the engine of a sandbox.',
    async () => {
      const [sandbox, inspection] = await Promise.all(
        [createSandbox, inspectPolicy].map(make => make({ policy: 'full-access', cwd: work })),
      )
      const { rule, matched, access } = inspection!.explain('x')
      expect(sandbox!.explain('x')).toMatchObject({ rule, matched, access, planLine: null })
    },
  )

  says(
    'Every result of a run carries `policyDigest`, the digest of the policy that held it: equal for equal meaning in equal surroundings, whatever the order of the entries.',
    async () => {
      const make = (...entries: object[]) => resolvePolicy(split(...entries), around).digest
      const [one, other] = [entry('/a', 'read'), entry('/b', 'none')]
      expect(make(one, other)).toBe(make(other, one))
      expect(make(one)).not.toBe(make(one, entry('/a/b', 'none')))
      await using sandbox = await createSandbox({ policy: 'full-access', cwd: work })
      const results = [await sandbox.run('true'), sandbox.runSync('true')]
      for (const { policyDigest } of results) expect(policyDigest).toBe(sandbox.policy.digest)
    },
  )

  nothingElse(proseOf(page.slice(page.indexOf(PRESETS))))
})
