/** The words of `codex-linux-sandbox`: what is read, and that nothing is passed over. */
import { describe, expect, it } from 'vitest'

import { HelperUsageError, readHelperCommandLine } from '../../lib/linux-sandbox/command-line.ts'

const cwd = ['--sandbox-policy-cwd', '/repo']
const read = (...words: string[]) => {
  const line = readHelperCommandLine(words)
  if (line === 'help') throw new Error('help')
  return line
}

describe('the command', () => {
  it.each<[string[], string[]]>([
    [
      [...cwd, '--', 'ls', '-l'],
      ['ls', '-l'],
    ],
    [
      [...cwd, 'ls', '-l', '--no-proc'],
      ['ls', '-l', '--no-proc'],
    ],
    [
      [...cwd, 'ls', '--', 'x'],
      ['ls', '--', 'x'],
    ],
    [
      [...cwd, '--', '--no-proc', '--', '-x'],
      ['--no-proc', '--', '-x'],
    ],
    [[...cwd, '-'], ['-']],
    [[...cwd, ''], ['']],
    [[...cwd, '--'], []],
    [cwd, []],
  ])('%j', (words, command) => {
    expect(read(...words).command).toEqual(command)
  })
})

describe('options', () => {
  it('reads every one of them', () => {
    const line = read(
      '--sandbox-policy-cwd=/repo',
      '--command-cwd',
      '/link',
      '--sandbox-policy={"type":"read-only"}',
      '--file-system-sandbox-policy',
      '{"kind":"unrestricted"}',
      '--network-sandbox-policy',
      '"enabled"',
      '--use-legacy-landlock',
      '--apply-seccomp-then-exec',
      '--allow-network-for-proxy',
      '--proxy-route-spec',
      '{}',
      '--no-proc',
      '--inherit-pid-namespace',
      '--',
      'true',
    )
    expect(line).toMatchObject({
      policyDirectory: '/repo',
      commandDirectory: '/link',
      legacy: { type: 'read-only', network_access: false },
      fileSystem: { kind: 'unrestricted', entries: [] },
      network: 'enabled',
      profile: undefined,
      legacyLandlock: true,
      innerStage: true,
      proxied: true,
      routeSpec: '{}',
      noProc: true,
      inheritPidNamespace: true,
      command: ['true'],
    })
  })

  const root = { path: { type: 'special', value: { kind: 'root' } }, access: 'read' }
  it.each<[string, unknown, unknown]>([
    [
      'managed',
      { type: 'managed', file_system: { type: 'restricted', entries: [root] }, network: 'restricted' },
      { fileSystem: { kind: 'restricted', entries: [root] }, network: 'restricted' },
    ],
    [
      'managed and open',
      { type: 'managed', file_system: { type: 'unrestricted' }, network: 'restricted' },
      { fileSystem: { kind: 'unrestricted', entries: [] }, network: 'restricted' },
    ],
    ['disabled', { type: 'disabled' }, { fileSystem: { kind: 'unrestricted', entries: [] }, network: 'enabled' }],
    [
      'external',
      { type: 'external', network: 'restricted' },
      { fileSystem: { kind: 'external-sandbox', entries: [] }, network: 'restricted' },
    ],
  ])('reads a permission profile: %s', (_, profile, split) => {
    expect(read(...cwd, '--permission-profile', JSON.stringify(profile), 'x').profile).toMatchObject(split as object)
  })

  it.each([['--help'], ['-h'], ['--no-proc', '--help']])('%s asks for the help', (...words) => {
    expect(readHelperCommandLine(words.filter(word => typeof word === 'string'))).toBe('help')
  })
})

describe('what cannot be read', () => {
  const profile = (value: unknown) => [...cwd, '--permission-profile', JSON.stringify(value), 'x']
  it.each<[string[], RegExp]>([
    [['x'], /--sandbox-policy-cwd DIR is required/],
    [['--', 'x'], /--sandbox-policy-cwd DIR is required/],
    [[...cwd, '--nope', 'x'], /no option "--nope"/],
    [[...cwd, '-x'], /no option "-x"/],
    [[...cwd, '--sandbox'], /no option "--sandbox"/],
    [[...cwd, '--no-proc', '--no-proc', 'x'], /twice/],
    [[...cwd, ...cwd, 'x'], /twice/],
    [[...cwd, '--no-proc=true', 'x'], /takes no value/],
    [['--sandbox-policy-cwd'], /needs a value/],
    [['--sandbox-policy-cwd=', 'x'], /needs a value/],
    [['--sandbox-policy-cwd', '', 'x'], /needs a value/],
    [['--sandbox-policy-cwd', '--no-proc', 'x'], /needs a value/],
    [['--sandbox-policy-cwd', '--', 'x'], /needs a value/],
    [[...cwd, '--sandbox-policy', '{', 'x'], /--sandbox-policy is not JSON/],
    [[...cwd, '--sandbox-policy', '{"type":"nothing"}', 'x'], /--sandbox-policy: /],
    [[...cwd, '--sandbox-policy', '{"type":"workspace-write","writable_roots":["a"]}', 'x'], /absolute path/],
    [[...cwd, '--sandbox-policy', '{"type":"read-only","excess":[]}', 'x'], /excess/],
    [[...cwd, '--file-system-sandbox-policy', '{"kind":"restricted","entries":[{}]}', 'x'], /entries\[0\]/],
    [[...cwd, '--network-sandbox-policy', 'restricted', 'x'], /is not JSON/],
    [[...cwd, '--network-sandbox-policy', '"some"', 'x'], /--network-sandbox-policy: /],
    [
      [...profile({ type: 'disabled' }).slice(0, -1), '--sandbox-policy', '{"type":"read-only"}', 'x'],
      /cannot be used with/,
    ],
    [profile({ type: 'other' }), /accepted is managed/],
    [profile({ type: 'disabled', network: 'restricted' }), /network/],
    [profile({ type: 'external' }), /network/],
    [profile({ type: 'managed', network: 'enabled' }), /file_system/],
    [profile({ type: 'managed', file_system: { type: 'restricted' }, network: 'enabled' }), /file_system.entries/],
    [
      profile({ type: 'managed', file_system: { type: 'restricted', entries: [], more: 1 }, network: 'enabled' }),
      /more/,
    ],
    [profile([]), /profile/],
    [profile(null), /profile/],
  ])('%j', (words, message) => {
    expect(() => readHelperCommandLine(words)).toThrow(HelperUsageError)
    expect(() => readHelperCommandLine(words)).toThrow(message)
  })
})
