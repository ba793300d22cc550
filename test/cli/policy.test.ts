/** `castellan policy`: what a person gets for right and wrong policies. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { castellan, enginesHere, ensureBuilt, temporaryPlace } from './castellan.ts'

ensureBuilt()
const place = temporaryPlace()
const cwd = path.join(place.path, 'work')
const toml = `default_permissions = "dev"
[permissions.dev]
extends = ":workspace"
[permissions.dev.filesystem]
"/etc/ssl" = "deny"
":later" = "read"
`
beforeAll(() => {
  mkdirSync(path.join(cwd, '.git'), { recursive: true })
  writeFileSync(path.join(cwd, 'good.toml'), toml)
  writeFileSync(path.join(cwd, 'bad.toml'), '[permissions.dev.filesystem]\n"/a" = "raed"\n')
  writeFileSync(path.join(cwd, 'bad.json'), '{"type":"workspace-write","writeable_roots":[]}')
})
afterAll(() => place.remove())

const policy = (words: readonly string[], input = '') => castellan(['policy', ...words], { cwd, input })

describe.runIf(enginesHere().some(engine => engine !== 'landlock'))('castellan policy check', () => {
  it('says of a right policy what warns and which engine holds it', { timeout: 60_000 }, () => {
    const { code, stdout } = policy(['check', 'good.toml'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^valid: good\.toml, profile dev \(split, 6 entries\), network restricted$/m)
    expect(stdout).toMatch(/^warning: 6:1: there is no special path ":later": it is ignored/m)
    expect(stdout).toMatch(/^linux +landlock +(refused|unavailable) +\S/m)
    expect(stdout).toMatch(
      /^macos +seatbelt +would hold +by its plan all of it \(unknown-special-path, seatbelt-never-executed\)$/m,
    )
    expect(stdout).toMatch(/^windows +restricted-token +would refuse +the policy says more than a legacy policy can$/m)
    expect(stdout).toMatch(/^windows +elevated +would refuse +\S/m)
    expect(stdout).toMatch(/^An engine of this machine holds it\.$/m)
  })

  it('says the same as JSON, from standard input too', { timeout: 60_000 }, () => {
    const { code, stdout } = policy(['check', '-', '--json'], toml)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      valid: true,
      enforceable: true,
      profile: 'dev',
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      warnings: [{ kind: 'unknown-special-path', place: { line: 6, column: 1 } }],
    })
  })
})

describe('castellan policy', () => {
  it('tells where a policy is wrong', { timeout: 60_000 }, () => {
    const wrong = policy(['check', 'bad.toml', '--profile', 'dev'])
    expect(wrong.code).toBe(1)
    expect(wrong.stderr).toMatch(
      /^castellan: bad\.toml:2:8: cannot read permissions .*"raed".*\(ERR_POLICY_INVALID\)$/m,
    )
    expect(policy(['check', 'bad.json']).stderr).toMatch(
      /^castellan: bad\.json:1:27: .* \(writeable_roots\): .*did you mean "writable_roots"/,
    )
    const twice = '{"type":"read-only",\n"type":"danger-full-access"}'
    expect(policy(['check', '-'], twice).stderr).toMatch(/^castellan: -:2:1: .*the member "type" is there twice/)
    const json = policy(['check', '-', '--json'], '{"type":')
    expect([json.code, JSON.parse(json.stdout).valid]).toEqual([1, false])
  })

  it('shows what a policy means here as a tree, with its digest', { timeout: 60_000 }, () => {
    const { code, stdout } = policy(['show', 'good.toml'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\/ +read +entry 2: :root$/m)
    expect(stdout).toMatch(/[├└]── \.git +read +protection of \.git$/m)
    expect(stdout).toMatch(/[├└]── etc\/ssl +none +entry \d+: \/etc\/ssl$/m)
    const { digest } = JSON.parse(policy(['show', 'good.toml', '--json']).stdout)
    expect(stdout).toContain(`digest   ${digest}`)
    const other = JSON.parse(policy(['show', 'read-only', '--json']).stdout)
    expect(other.digest).not.toBe(digest)
  })

  it('shows the patterns that deny, also those that nothing matches', { timeout: 60_000 }, () => {
    expect(policy(['show', 'strict']).stdout).toMatch(
      /^denied wherever they match\n( {2}entry \d+: .*\n)* {2}entry \d+: \*\*\/\.env$/m,
    )
    expect(policy(['show', 'workspace-write']).stdout).not.toContain('denied wherever')
  })

  it('converts where nothing changes, and tells the path that would', { timeout: 60_000 }, () => {
    const split = JSON.parse(policy(['convert', 'read-only', '--to', 'split']).stdout)
    expect(split).toMatchObject({ fileSystem: { kind: 'restricted', entries: [{ access: 'read' }] } })
    const legacy = policy(['convert', '-', '--to', 'legacy'], JSON.stringify(split))
    expect([legacy.code, JSON.parse(legacy.stdout)]).toEqual([0, { type: 'read-only' }])
    const refused = policy(['convert', 'good.toml', '--to', 'legacy'])
    expect([refused.code, refused.stdout]).toEqual([125, ''])
    expect(refused.stderr).toMatch(/\/etc\/ssl would be read instead of none \(ERR_POLICY_NO_ROUND_TRIP\)/)
    const outside = { kind: 'restricted', entries: [{ path: { type: 'path', path: '/else' }, access: 'write' }] }
    expect(policy(['convert', '-', '--to', 'legacy'], JSON.stringify(outside)).stderr).toMatch(
      /it opens \/else for writing/,
    )
  })

  it('prints the JSON Schema', () => {
    expect(JSON.parse(policy(['schema']).stdout)).toMatchObject({ $schema: expect.stringContaining('2020-12') })
  })

  it.each([
    [['chek'], /did you mean check\?/],
    [[], /one of check, show, convert, schema/],
    [['check'], /needs a file/],
    [['convert', 'strict'], /--to legacy or --to split/],
    [['convert', 'strict', '--to', 'legcy'], /did you mean legacy\?/],
    [['show', 'strickt'], /did you mean strict\?/],
    [['show', '--git', 'protectd'], /did you mean protected\?/],
    [['show', 'strict', '--profile', 'x'], /strict is a preset/],
  ] as const)('refuses %j', (words, message) => {
    const { code, stderr } = policy(words)
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) })
  })
})
