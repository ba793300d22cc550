import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PolicyError } from '../../lib/errors.ts'
import {
  type ParseOptions,
  parseAbsolutePath,
  parseFileSystemPolicy,
  parseLegacyPolicy,
  parseNetworkPolicy,
} from '../../lib/policy/parse.ts'
import { printFileSystemPolicy, printLegacyPolicy } from '../../lib/policy/print.ts'
import { parseSandboxPolicy } from '../../lib/policy/sandbox-policy.ts'
import { path } from './fake-files.ts'
import { anyLegacy, anyRestricted } from './worlds.ts'

function errorOf(act: () => unknown): PolicyError {
  try {
    act()
  } catch (error) {
    if (error instanceof PolicyError) return error
    throw error
  }
  throw new Error('expected a refusal')
}

function restricted(...entries: readonly unknown[]) {
  return { kind: 'restricted', entries }
}

const ok = { path: { type: 'path', path: '/a' }, access: 'read' }

describe('a refused file-system policy', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['no object', 'restricted', '', /found "restricted", accepted is an object/],
    ['null', null, '', /found null/],
    ['no kind', {}, 'kind', /found nothing, accepted is restricted, unrestricted, external-sandbox/],
    ['a misspelt kind', { kind: 'external_sandbox' }, 'kind', /did you mean "external-sandbox"/],
    ['null entries', { kind: 'restricted', entries: null }, 'entries', /found null, accepted is a list/],
    [
      'a word that is none',
      restricted(ok, { ...ok, access: 'Read' }),
      'entries[1].access',
      /found "Read".*did you mean "read"/,
    ],
    ['no access', restricted({ path: ok.path }), 'entries[0].access', /found nothing/],
    [
      'a bare path',
      restricted({ path: '/a', access: 'read' }),
      'entries[0].path',
      /found "\/a", accepted is an object/,
    ],
    [
      'a special that is none',
      restricted(ok, ok, ok, { path: { type: 'special', value: { kind: 'home' } }, access: 'read' }),
      'entries[3].path.value.kind',
      /found "home", accepted is root, minimal/,
    ],
    [
      'an unknown special without its name',
      restricted({ path: { type: 'special', value: { kind: 'unknown' } }, access: 'read' }),
      'entries[0].path.value.path',
      /found nothing, accepted is a string/,
    ],
    [
      'a relative path',
      restricted({ path: { type: 'path', path: '~/x' }, access: 'read' }),
      'entries[0].path.path',
      /no base directory/,
    ],
    [
      'a NUL in a path',
      restricted({ path: { type: 'path', path: '/a\0b' }, access: 'none' }),
      'entries[0].path.path',
      /NUL/,
    ],
    [
      'half a surrogate pair in a path',
      restricted({ path: { type: 'path', path: '/\ud800' }, access: 'none' }),
      'entries[0].path.path',
      /surrogate/,
    ],
    [
      'a NUL in a subpath',
      restricted({ path: { type: 'special', value: { kind: 'project_roots', subpath: '\0' } }, access: 'none' }),
      'entries[0].path.value.subpath',
      /NUL/,
    ],
    [
      'a list without end',
      { kind: 'restricted', entries: new Array(2 ** 32 - 1) },
      'entries',
      /more than 1000000 items/,
    ],
  ])('names the place and what is accepted: %s', (_, input, location, message) => {
    const error = errorOf(() => parseFileSystemPolicy(input))
    expect(error.code).toBe('ERR_POLICY_INVALID')
    expect(error.location).toBe(location)
    expect(error.message).toMatch(message)
  })
})

describe('a refused legacy policy', () => {
  it.each<[string, unknown, string]>([
    ['a bare word', 'read-only', ''],
    ['the other dialect', { type: 'readOnly' }, 'type'],
    ['a word for a boolean', { type: 'read-only', network_access: 'enabled' }, 'network_access'],
    ['a boolean for a word', { type: 'external-sandbox', network_access: true }, 'network_access'],
    ['null for a default', { type: 'read-only', access: null }, 'access'],
    ['no tag in the read access', { type: 'read-only', access: { readable_roots: [] } }, 'access.type'],
    ['a relative root', { type: 'workspace-write', writable_roots: ['/a', 'b'] }, 'writable_roots[1]'],
    [
      'a relative readable root',
      { type: 'workspace-write', read_only_access: { type: 'restricted', readable_roots: ['b'] } },
      'read_only_access.readable_roots[0]',
    ],
  ])('names the place: %s', (_, input, location) => {
    expect(errorOf(() => parseLegacyPolicy(input)).location).toBe(location)
  })
})

describe('reading', () => {
  it('takes include_platform_defaults as true and other absent flags as false', () => {
    expect(parseLegacyPolicy({ type: 'read-only', access: { type: 'restricted' } })).toEqual({
      type: 'read-only',
      access: { type: 'restricted', include_platform_defaults: true, readable_roots: [] },
      network_access: false,
    })
  })

  it('reads `deny` as `none`, except for an exact version of the model', () => {
    const policy = restricted({ ...ok, access: 'deny' })
    expect(printFileSystemPolicy(parseFileSystemPolicy(policy))).toEqual(restricted({ ...ok, access: 'none' }))
    expect(errorOf(() => parseFileSystemPolicy(policy, { model: '2026-03' })).location).toBe('entries[0].access')
  })

  it('ignores unknown members on the wire and refuses them when asked to', () => {
    const policy = restricted({ ...ok, acess: 'none' })
    expect(parseFileSystemPolicy(policy)).toEqual(restricted(ok))
    const error = errorOf(() => parseFileSystemPolicy(policy, { unknownMembers: 'refuse' }))
    expect([error.location, error.message]).toEqual([
      'entries[0].acess',
      expect.stringContaining('did you mean "access"'),
    ])
  })

  it('does not take members from a `__proto__` of JSON', () => {
    const input: unknown = JSON.parse('{"__proto__": {"kind": "unrestricted"}}')
    expect(errorOf(() => parseFileSystemPolicy(input)).location).toBe('kind')
    expect(errorOf(() => parseSandboxPolicy(input)).code).toBe('ERR_POLICY_INVALID')
  })

  it.each<[string, ParseOptions, string]>([
    ['docs/./x/../y', { base: path('/base') }, '/base/docs/y'],
    ['~/x', { base: path('/base'), home: '/home/me' }, '/home/me/x'],
    ['', { base: path('/base') }, '/base'],
    ['/a//b/../c/', {}, '/a/c'],
  ])('resolves %j', (text, options, expected) => {
    expect(parseAbsolutePath(text, options)).toBe(expected)
  })

  it('refuses `~` when nobody knows the home directory: a denial would land elsewhere', () => {
    expect(errorOf(() => parseAbsolutePath('~/.ssh', { base: path('/base') })).message).toMatch(/home directory/)
  })

  it('reads 100 000 entries in time that grows with their number', { timeout: 600_000 }, () => {
    const entries = Array.from({ length: 100_000 }, (_, index) => ({
      ...ok,
      path: { type: 'path', path: `/a/${index}` },
    }))
    const started = process.cpuUsage()
    expect(parseSandboxPolicy(restricted(...entries)).form).toBe('split')
    // The work of this process, whatever else the machine does. Less than a second of it is usual.
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(60_000)
  })

  it('freezes what it gives', () => {
    const policy = parseFileSystemPolicy(restricted(ok))
    expect([policy, policy.entries, policy.entries[0], policy.entries[0]?.path].every(Object.isFrozen)).toBe(true)
  })
})

describe('printing', () => {
  it('gives back what is read again as the same policy', () => {
    fc.assert(
      fc.property(anyRestricted, policy => {
        const json: unknown = JSON.parse(JSON.stringify(printFileSystemPolicy(policy)))
        expect(parseFileSystemPolicy(json, { model: '2026-03' })).toEqual(policy)
      }),
    )
    fc.assert(
      fc.property(anyLegacy, policy => {
        const json: unknown = JSON.parse(JSON.stringify(printLegacyPolicy(policy)))
        expect(parseLegacyPolicy(json, { model: '2026-03' })).toEqual(policy)
      }),
    )
  })
})

describe('the public parser', () => {
  const fileSystem = restricted(ok)
  const asSplit = { form: 'split', fileSystem, network: 'restricted' }

  it.each<[string, unknown, unknown]>([
    ['a preset word', 'workspace-write', expect.objectContaining({ form: 'legacy' })],
    ['a legacy policy', { type: 'danger-full-access' }, { form: 'legacy', legacy: { type: 'danger-full-access' } }],
    ['a file-system policy', fileSystem, asSplit],
    ['a pair', { fileSystem, network: 'enabled' }, { ...asSplit, network: 'enabled' }],
    ['a pair as the wire spells it', { file_system: fileSystem }, asSplit],
    ['an earlier result', asSplit, asSplit],
    ['an earlier legacy result', parseSandboxPolicy('read-only'), parseSandboxPolicy('read-only')],
  ])('takes %s', (_, input, expected) => {
    expect(parseSandboxPolicy(input)).toEqual(expected)
  })

  it('does not offer the very word that it refuses', () => {
    const entry = { path: { type: 'special', value: { kind: 'root', subpath: 'x' } }, access: 'read' }
    expect(() => parseSandboxPolicy(restricted(entry))).toThrow(/there is no member "subpath"$/)
  })

  it('gives back what it gave, unless another model is asked for', () => {
    const entry = { path: { type: 'special', value: { kind: 'current_working_directory' } }, access: 'write' }
    const policy = parseSandboxPolicy(restricted(entry))
    expect(parseSandboxPolicy(policy)).toBe(policy)
    expect(parseSandboxPolicy(policy, { model: '2026-06' })).not.toEqual(policy)
    expect(parseSandboxPolicy(structuredClone(policy))).toEqual(policy)
    expect(() => parseSandboxPolicy({ ...policy, network: 'full' })).toThrow(/restricted, enabled/)
  })

  it.each<[string, unknown, string, RegExp]>([
    ['a misspelt preset', 'readonly', '', /did you mean "read-only"/],
    ['the other dialect', { type: 'workspace-write', networkAccess: true }, 'networkAccess', /"network_access"/],
    ['a misspelt list', { kind: 'restricted', entires: [] }, 'entires', /"entries"/],
    ['a misspelt pair', { filesystem: fileSystem }, 'filesystem', /"fileSystem"/],
    ['a pair without files', { network: 'enabled' }, 'fileSystem', /found nothing/],
    ['a pair twice', { fileSystem, file_system: fileSystem }, 'file_system', /both/],
    [
      'a place inside a pair',
      { fileSystem: restricted({ ...ok, access: 'x' }) },
      'fileSystem.entries[0].access',
      /"x"/,
    ],
    ['a network inside a pair', { fileSystem, network: 'full' }, 'network', /restricted, enabled/],
    ['both tags', { type: 'read-only', kind: 'restricted' }, '', /both/],
    ['an empty object', {}, '', /empty object/],
    ['nothing', undefined, '', /found nothing/],
    ['a list', [], '', /found a list/],
    ['a form that is none', { form: 'other' }, 'form', /legacy, split/],
  ])('refuses %s', (_, input, location, message) => {
    const error = errorOf(() => parseSandboxPolicy(input))
    expect([error.location, error.message]).toEqual([location, expect.stringMatching(message)])
  })

  it('takes back its strictness inside the wire forms only', () => {
    const options = { unknownMembers: 'ignore' } as const
    expect(parseSandboxPolicy({ type: 'read-only', later: 1 }, options).form).toBe('legacy')
    expect(errorOf(() => parseSandboxPolicy({ fileSystem, later: 1 }, options)).location).toBe('later')
  })
})

describe('whatever it is given', () => {
  const parsers = [parseFileSystemPolicy, parseLegacyPolicy, parseNetworkPolicy, parseAbsolutePath, parseSandboxPolicy]

  function onlyPolicyErrors(input: unknown): void {
    for (const parse of parsers) {
      for (const unknownMembers of ['ignore', 'refuse'] as const) {
        try {
          parse(input, { unknownMembers })
        } catch (error) {
          expect(error).toBeInstanceOf(PolicyError)
        }
      }
    }
  }

  const words = fc.constantFrom(
    'kind',
    'entries',
    'path',
    'type',
    'value',
    'access',
    'restricted',
    'special',
    '__proto__',
  )
  const near = fc.letrec(tie => ({
    value: fc.oneof(
      words,
      fc.anything(),
      fc.dictionary(words, tie('value'), { maxKeys: 4 }),
      fc.array(tie('value'), { maxLength: 3 }),
    ),
  })).value

  it('throws nothing but PolicyError', () => {
    fc.assert(fc.property(near, onlyPolicyErrors), { numRuns: 1500 })
    fc.assert(fc.property(fc.anything(), onlyPolicyErrors), { numRuns: 500 })
  })

  it('throws nothing but PolicyError for objects that fight back', () => {
    const throwing = new Proxy({}, { get: () => fail(), has: () => fail(), ownKeys: () => fail() })
    const fail = (): never => {
      throw new RangeError('no')
    }
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    let deep: unknown = {}
    for (let level = 0; level < 100_000; level++) deep = { path: deep, entries: [deep] }
    const circular: Record<string, unknown> = { kind: 'restricted' }
    circular['entries'] = [circular]
    for (const input of [
      throwing,
      revoked.proxy,
      deep,
      circular,
      { kind: throwing },
      restricted(throwing, revoked.proxy),
    ]) {
      onlyPolicyErrors(input)
    }
  })
})
