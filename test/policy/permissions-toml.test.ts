import fc from 'fast-check'
import { parse } from 'smol-toml'
import { describe, expect, it } from 'vitest'

import { PolicyError } from '../../lib/errors.ts'
import { type PermissionsTomlOptions, parsePermissionsToml } from '../../lib/policy/permissions-toml.ts'
import { spellingOf } from '../../lib/policy/special.ts'
import { textPlace } from '../../lib/policy/text-place.ts'
import { tomlPlaces } from '../../lib/policy/toml-places.ts'

const home = '/home/me'

function load(text: string, options: PermissionsTomlOptions = {}) {
  return parsePermissionsToml(text, { home, ...options })
}

/** `place access`, in order. */
function entries(text: string, options: PermissionsTomlOptions = {}): string[] {
  const { policy } = load(text, options)
  if (policy.form !== 'split') return []
  return policy.fileSystem.entries.map(({ path, access }) => `${spellingOf(path)} ${access}`)
}

const complete = `# a whole configuration file
model = "something"
default_permissions = "dev"
[permissions.dev.filesystem]
":root" = "read"
"/data" = { "." = "read", "sub/dir" = "write" }
"~/.ssh" = "none"
[permissions.dev.filesystem.":project_roots"]
"." = "write"
docs = "read"
[permissions.dev.network]
enabled = true
[tools]
"a b" = 12345678901234567890
`

describe('a profile in a TOML text', () => {
  it('is the one that the text names, with its keys in byte order', () => {
    const { profile, inherits, policy, notices } = load(complete)
    expect({ profile, inherits, notices }).toEqual({ profile: 'dev', inherits: [], notices: [] })
    expect(policy).toMatchObject({ form: 'split', network: 'enabled', fileSystem: { kind: 'restricted' } })
    expect(entries(complete)).toEqual([
      '/data read',
      '/data/sub/dir write',
      ':project_roots write',
      ':project_roots/docs read',
      ':root read',
      '/home/me/.ssh none',
    ])
  })

  it('may be chosen by the caller, built-in ones too', () => {
    expect(entries('', { profile: ':read-only' })).toEqual([':root read'])
    expect(load('', { profile: ':danger-full-access' }).policy).toEqual({
      form: 'split',
      fileSystem: { kind: 'unrestricted', entries: [] },
      network: 'enabled',
    })
    expect(load('default_permissions = ":workspace"').policy).toMatchObject({ network: 'restricted' })
  })

  it('keeps names that a prototype has as names', () => {
    expect(entries('[permissions.__proto__.filesystem]\n"/a" = "read"', { profile: '__proto__' })).toEqual(['/a read'])
    expect(() => load('', { profile: 'constructor' })).toThrow(/no profile "constructor"/)
  })

  it('is frozen', () => {
    const result = load(complete)
    expect([result, result.policy, result.notices].every(Object.isFrozen)).toBe(true)
  })
})

describe('the names of both versions', () => {
  const text = (key: string, word: string) => `[permissions.p.filesystem]\n"${key}" = "${word}"`
  const read = (key: string, word: string, model?: '2026-03' | '2026-06') =>
    entries(text(key, word), { profile: 'p', model })

  it('are read by default', () => {
    expect(read(':workspace_roots', 'write')).toEqual([':project_roots write'])
    expect(read(':project_roots', 'write')).toEqual([':project_roots write'])
    expect(read(':slash_tmp', 'write')).toEqual([':slash_tmp write'])
    expect(read('/a', 'deny')).toEqual(['/a none'])
  })

  it('are those of one version when that is asked for', () => {
    expect(read(':workspace_roots', 'write', '2026-03')).toEqual([':workspace_roots write'])
    expect(load(text(':workspace_roots', 'write'), { profile: 'p', model: '2026-03' }).notices).toHaveLength(1)
    expect(load(text(':project_roots', 'write'), { profile: 'p', model: '2026-06' }).notices).toHaveLength(1)
    expect(() => read('/a', 'deny', '2026-03')).toThrow(PolicyError)
    expect(read('/a*', 'read', '2026-03')).toEqual(['/a* read'])
  })
})

describe('patterns', () => {
  const read = (lines: string) => entries(`[permissions.p.filesystem]\n${lines}`, { profile: 'p' })

  it('deny, below a key or by themselves', () => {
    expect(
      read('"/w/**/.env" = "deny"\n"~/x" = { "*.pem" = "none" }\n":workspace_roots" = { "**/.env" = "deny" }'),
    ).toEqual(['/w/**/.env none', 'codex-project-roots://**/.env none', '/home/me/x/*.pem none'])
  })

  it('open a whole tree when they end in **, and nothing else', () => {
    expect(read('"/w/**" = "write"\n":workspace_roots" = { "src/**" = "read", "**" = "write" }')).toEqual([
      '/w write',
      ':project_roots write',
      ':project_roots/src read',
    ])
    for (const line of [
      '"/w/*/**" = "read"',
      '"/w*" = { "**" = "read" }',
      '":workspace_roots" = { "**/x" = "write" }',
    ]) {
      expect(() => read(line)).toThrow(/is a pattern, which can only deny/)
    }
  })

  it('carry how deep they are looked for', () => {
    const { policy } = load('[permissions.p.filesystem]\nglob_scan_max_depth = 3\n"/w/*" = "deny"', { profile: 'p' })
    expect(policy).toMatchObject({ fileSystem: { glob_scan_max_depth: 3, entries: [{ access: 'none' }] } })
  })
})

describe('inheritance', () => {
  const family = `[permissions.parent.filesystem]
"/data" = { "." = "read", secret = "none" }
"/only" = "read"
[permissions.parent.network]
enabled = true
[permissions.child]
extends = "parent"
[permissions.child.filesystem]
"/data" = "write"
[permissions.grandchild]
extends = "child"
network = { enabled = false }
`

  it('takes the parent first; a word replaces the word for the same place and nothing else', () => {
    expect(entries(family, { profile: 'child' })).toEqual(['/data write', '/data/secret none', '/only read'])
    expect(load(family, { profile: 'child' })).toMatchObject({ inherits: ['parent'], policy: { network: 'enabled' } })
    expect(load(family, { profile: 'grandchild' })).toMatchObject({
      inherits: ['child', 'parent'],
      policy: { network: 'restricted' },
    })
  })

  it('adds to a built-in profile', () => {
    const text = '[permissions.p]\nextends = ":workspace"\n[permissions.p.filesystem]\n"~/.ssh" = "deny"'
    expect(entries(text, { profile: 'p' })).toEqual([
      ':root read',
      ':slash_tmp write',
      ':tmpdir write',
      ':project_roots write',
      '/home/me/.ssh none',
    ])
  })

  it('repeats what is said of the workspace in its further roots', () => {
    const text = `[permissions.p.filesystem.":workspace_roots"]
"." = "write"
docs = "read"
[permissions.p.workspace_roots]
"/other" = true
"/left/out" = false
"~/more" = true`
    expect(entries(text, { profile: 'p' })).toEqual([
      ':project_roots write',
      ':project_roots/docs read',
      '/other write',
      '/other/docs read',
      '/home/me/more write',
      '/home/me/more/docs read',
    ])
  })

  it.each([
    ['itself', '[permissions.a]\nextends = "a"', 'a', /inherits from itself/, 'line 2, column 1'],
    ['a circle', '[permissions.a]\nextends = "b"\n[permissions.b]\nextends = "a"', 'a', /itself/, 'line 4, column 1'],
    ['nobody', '[permissions.a]\nextends = "bx"\n[permissions.b]', 'a', /did you mean "b"/, 'line 2, column 11'],
    [
      'everything',
      '[permissions.a]\nextends = ":danger-full-access"',
      'a',
      /nothing can be inherited/,
      'line 2, column 1',
    ],
    ['a reserved name', '[permissions.":b"]\n[permissions.a]', 'a', /begins with a colon/, 'line 1, column 14'],
    ['an older model', '[permissions.a]\nextends = "a"', 'a', /no member "extends"/, 'line 2, column 1', '2026-03'],
  ] as const)('is refused from %s', (_, text, profile, message, location, model?: '2026-03') => {
    const refused = expect.objectContaining({ code: 'ERR_POLICY_INVALID', location })
    expect(() => load(text, { profile, model })).toThrow(refused)
    expect(() => load(text, { profile, model })).toThrow(message)
  })
})

describe('a mistake in a TOML text', () => {
  const inside = (line: string) => `default_permissions = "p"\n\n[permissions.p.filesystem]\n${line}\n`
  const rows: readonly (readonly [string, string, RegExp, number, number])[] = [
    ['no TOML', 'a = = 1', /it is not TOML: invalid value/, 1, 5],
    ['a key twice', inside('"/a" = "read"\n"/a" = "write"'), /already defined/, 5, 1],
    ['a table twice', '[permissions.p]\n[permissions.p]', /already defined/, 2, 2],
    ['a wrong word', inside('"/a" = "raed"'), /"raed"/, 4, 8],
    ['a wrong word below', inside('"/a" = { b = "read", c = "rw" }'), /accepted is read, write, none/, 4, 8],
    ['a deeper table', inside('"/a" = { b = { c = "read" } }'), /accepted is read/, 4, 8],
    ['a relative key', inside('"/b" = "read"\n  docs = "read"'), /"docs" is not absolute/, 5, 3],
    ['a way up', inside('":root" = "read"\n":project_roots"."a/../b" = "write"'), /no way downwards/, 5, 18],
    ['a home in a subpath', inside('":project_roots" = { "~/x" = "write" }'), /no way downwards/, 4, 22],
    ['a place below a switch', inside("':minimal' = {x='read'}"), /":minimal" has no subpaths/, 4, 15],
    ['a pattern', inside('"/w/**/.env" = "read"'), /is a pattern, which can only deny/, 4, 1],
    ['a misspelt denial', inside('":slash_tmpp" = "none"'), /would stay open; did you mean ":slash_tmp"\?/, 4, 1],
    ['a misspelt table', 'default_permissions = "p"\n[permissions.p.filesytem]\n"/a" = "read"', /"filesystem"/, 2, 16],
    ['a misspelt network', 'default_permissions = "p"\n[permissions.p]\nnetwork.enable = true', /"enabled"/, 3, 9],
    ['a word for a flag', inside('"/a"="read"\n[permissions.p.network]\nenabled = "yes"'), /found "yes"/, 6, 11],
    ['a profile that is not there', 'default_permissions = "deev"\n[permissions.dev]', /did you mean "dev"/, 1, 23],
    ['a number for a profile', 'default_permissions = 3', /found 3/, 1, 23],
    ['no table', 'default_permissions = "p"\npermissions = "all"', /accepted is a table/, 2, 15],
    ['a scan depth of nothing', inside('glob_scan_max_depth = 0'), /at least 1/, 4, 23],
    [
      'a root that is relative',
      inside('":root"="read"\n[permissions.p.workspace_roots]\nx = true'),
      /not absolute/,
      6,
      1,
    ],
  ]

  it.each(rows)('is told with its line and column: %s', (_, text, message, line, column) => {
    const location = `line ${line}, column ${column}`
    const expected = expect.objectContaining({ code: 'ERR_POLICY_INVALID', location, place: { line, column } })
    expect(() => load(text)).toThrow(expected)
    expect(() => load(text)).toThrow(message)
    expect(() => load(text)).toThrow(`cannot read permissions at ${location}: `)
  })

  it('is told without a place where there is none', () => {
    expect(() => load('')).toThrow(/no profile was asked for/)
    expect(() => load(undefined as unknown as string)).toThrow(/found nothing, accepted is a TOML text/)
    expect(() => load('#'.repeat(2 ** 20 + 1))).toThrow(/longer than/)
  })

  it('never quotes the text around it', () => {
    const text = 'token = "sk-secret"\nother = sk-secret\n'
    try {
      load(text)
      expect.unreachable()
    } catch (error) {
      expect(JSON.stringify([(error as Error).message, (error as Error).stack, (error as Error).cause])).not.toContain(
        'sk-secret',
      )
    }
  })

  it.each([
    'enabled = true\nallowed_domains = ["a.example"]',
    'enabled = true\ndenied_domains = []',
    'enabled = true\nmode = "limited"',
    'enabled = true\nproxy_url = "http://127.0.0.1:1"',
  ])('that would open the network wider than meant is not enforceable: %s', network => {
    const text = `default_permissions = "p"\n[permissions.p.network]\n${network}`
    const expected = { code: 'ERR_POLICY_NOT_ENFORCEABLE', mechanism: 'network proxy', location: 'line 4, column 1' }
    expect(() => load(text)).toThrow(expect.objectContaining(expected))
    expect(load(text.replace('true', 'false')).policy).toMatchObject({ network: 'restricted' })
  })
})

describe('a notice about a TOML text', () => {
  const text = (lines: string) => `default_permissions = "p"\n[permissions.p.filesystem]\n${lines}`

  it('tells of a name that is not known and opens nothing', () => {
    const { notices } = load(text('":rooot" = "read"\n":later" = { x = "write" }'))
    expect(notices).toEqual([
      expect.objectContaining({ kind: 'unknown-special-path', name: ':later', place: { line: 4, column: 14 } }),
      expect.objectContaining({ kind: 'unknown-special-path', name: ':rooot', place: { line: 3, column: 1 } }),
    ])
    expect(notices[1]!.message).toMatch(/it is ignored; did you mean ":root"\?$/)
  })

  it('tells of a profile that opens nothing', () => {
    expect(load('default_permissions = "p"\n[permissions.p]').notices).toMatchObject([
      { kind: 'no-filesystem', name: 'p', place: { line: 2, column: 14 } },
    ])
  })

  it('tells of one place in two spellings', () => {
    const { notices } = load(text('"/home/me/x" = "read"\n"~/x/" = "write"\n"/b" = "read"\n"/b/" = "read"'))
    expect(notices).toMatchObject([{ kind: 'repeated-place', name: '/home/me/x' }])
  })

  it('takes the place of an unknown member when that is asked for', () => {
    const { notices } = load(
      text('"/b" = "read"\n[permissions.p]\nfuture = 1'.replace('[permissions.p]', '[permissions.p.more]')),
      {
        unknownMembers: 'ignore',
      },
    )
    expect(notices).toMatchObject([{ kind: 'unknown-member', name: 'more', place: { line: 4, column: 16 } }])
  })
})

describe('places in a TOML text', () => {
  const key = fc.oneof(fc.stringMatching(/^[A-Za-z0-9_-]{1,6}$/), fc.string({ maxLength: 6 }))
  const blank = fc.constantFrom('', ' ', '\t ')
  const value = fc.constantFrom(
    '1',
    '"a # b"',
    "'=]'",
    '"""x\n[y]\n"""',
    "'''\n'''",
    '[1, [2, "]"], # }\n 3]',
    '{ a = 1 , "b.c" = {} }',
    'true',
    '1979-05-27 07:32:00Z',
  )

  /** A text of one line per key, and where each key begins. */
  const texts = fc
    .array(fc.record({ names: fc.array(key, { minLength: 1, maxLength: 3 }), blank, value, comment: fc.boolean() }), {
      maxLength: 8,
    })
    .map(lines => {
      let text = ''
      const found: { path: string[]; offset: number }[] = []
      const taken = new Set<string>()
      for (const [index, { names, blank, value, comment }] of lines.entries()) {
        // A first part of its own keeps every key new.
        const path = [`k${index}`, ...names]
        if (taken.has(JSON.stringify(path))) continue
        const header = index % 3 === 2
        if (comment) text += '# [no] = "key"\n'
        text += blank
        if (header) text += '['
        path.forEach((name, at) => {
          if (at > 0) text += `${blank}.${blank}`
          found.push({ path: path.slice(0, at + 1), offset: text.length })
          text += /^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name)
        })
        text += header ? `${blank}]\n` : `${blank}=${blank}${value}\n`
        if (header) break
      }
      return { text, found }
    })

  it('are those of the keys, however they are written', () => {
    fc.assert(
      fc.property(texts, ({ text, found }) => {
        try {
          parse(text)
        } catch {
          return
        }
        const places = tomlPlaces(text)
        for (const { path, offset } of found) {
          expect({ text, path, place: places.find(path)?.key }).toEqual({ text, path, place: offset })
        }
      }),
    )
  })

  it('count the tables of a list', () => {
    const text = '[[a]]\nx = 1\n[[a]]\nx = 2\n[a.b]\ny = [1, { z = 3 }]\n'
    const places = tomlPlaces(text)
    const lineOf = (...path: (string | number)[]) => textPlace(text, places.find(path)!.key).line
    expect([lineOf('a', 0, 'x'), lineOf('a', 1, 'x'), lineOf('a', 1, 'b', 'y', 1, 'z')]).toEqual([2, 4, 6])
  })

  it('end where the text makes no sense', () => {
    for (const text of ['a = [}', 'a = [1, }', 'a = [[}]', '[a\nb = {]', 'a = ["]', "a = {b = [}'"]) tomlPlaces(text)
    expect(tomlPlaces('x = 1\na = [}').find(['x'])).not.toBeNull()
  })

  it('never make a reader throw anything but its error', () => {
    const pieces = fc.constantFrom(
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      '=',
      '.',
      ',',
      '\n',
      '#',
      'permissions',
      'p',
      ':root',
      'read',
      '\\',
      '"""',
      '\ud800',
      '\0',
      'default_permissions = "p"\n',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), parts => {
        const text = parts.join('')
        tomlPlaces(text)
        try {
          load(text, { profile: 'p' })
        } catch (error) {
          expect(error).toBeInstanceOf(PolicyError)
        }
      }),
    )
  })
})
