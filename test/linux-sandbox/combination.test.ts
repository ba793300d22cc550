/** Every row of the table of accepted combinations (spec/linux 2.1), and what an accepted one is carried out as. */
import { describe, expect, it } from 'vitest'

import { combine } from '../../lib/linux-sandbox/combination.ts'
import { readHelperCommandLine } from '../../lib/linux-sandbox/command-line.ts'
import { surroundingsIn } from '../policy/fake-files.ts'

const surroundings = surroundingsIn({ '/usr/lib': 'dir', '/opt': 'dir', '/tmp': 'dir' }, { cwd: '/usr' })

function combined(...words: string[]) {
  const line = readHelperCommandLine(['--sandbox-policy-cwd', '/usr', ...words])
  if (line === 'help') throw new Error('help')
  return combine(line, surroundings)
}

const json = (option: string, value: unknown) => [option, JSON.stringify(value)]
const legacy = (type: string, more: object = {}) => json('--sandbox-policy', { type, ...more })
const fileSystem = (...entries: object[]) => json('--file-system-sandbox-policy', { kind: 'restricted', entries })
const network = (word: string) => json('--network-sandbox-policy', word)
const special = (kind: string, access: string) => ({ path: { type: 'special', value: { kind } }, access })
const at = (path: string, access: string) => ({ path: { type: 'path', path }, access })
const profile = (...entries: object[]) =>
  json('--permission-profile', { type: 'managed', file_system: { type: 'restricted', entries }, network: 'restricted' })

const bare = { exclude_slash_tmp: true, exclude_tmpdir_env_var: true }
const workspace = legacy('workspace-write', bare)
const readAll = special('root', 'read')
const writeHere = special('current_working_directory', 'write')
const splitWorkspace = [...fileSystem(readAll, writeHere), ...network('restricted')]
/** A carve-out, which the legacy model cannot say. */
const carved = [...fileSystem(readAll, writeHere, at('/usr/lib', 'none')), ...network('restricted')]
/** No legacy form at all: writes outside a workspace that is not writable. */
const foreign = [...fileSystem(readAll, at('/opt', 'write')), ...network('restricted')]
const open = legacy('danger-full-access')

describe('refusals', () => {
  it.each<[string, string[], string]>([
    ['no command', [...workspace], 'no-command'],
    ['no command comes first', ['--apply-seccomp-then-exec', '--use-legacy-landlock'], 'no-command'],
    [
      'inner stage and legacy Landlock',
      ['--apply-seccomp-then-exec', '--use-legacy-landlock', 'x'],
      'incompatible-stage',
    ],
    ['only the file system', [...fileSystem(readAll), 'x'], 'partial-split'],
    ['only the network', [...network('enabled'), 'x'], 'partial-split'],
    ['one half beside a legacy policy', [...workspace, ...network('enabled'), 'x'], 'partial-split'],
    ['no policy', ['x'], 'missing-policy'],
    ['split alone without a legacy form', [...foreign, 'x'], 'cannot-derive-legacy'],
    [
      'another network word',
      [...workspace, ...fileSystem(readAll, writeHere), ...network('enabled'), 'x'],
      'policies-do-not-match',
    ],
    ['another file system', [...legacy('read-only'), ...splitWorkspace, 'x'], 'policies-do-not-match'],
    ['Landlock for a carve-out', [...workspace, ...carved, '--use-legacy-landlock', 'x'], 'needs-direct-enforcement'],
    [
      'Landlock for what has no legacy form',
      [...workspace, ...foreign, '--use-legacy-landlock', 'x'],
      'needs-direct-enforcement',
    ],
    [
      'Landlock for a profile with a carve-out',
      [...profile(readAll, writeHere, at('/usr/lib', 'none')), '--use-legacy-landlock', 'x'],
      'needs-direct-enforcement',
    ],
    [
      'inner stage of proxy mode without routes',
      [...workspace, '--apply-seccomp-then-exec', '--allow-network-for-proxy', 'x'],
      'route-spec-required',
    ],
    [
      'Landlock for restricted reading',
      [
        ...legacy('read-only', { access: { type: 'restricted', readable_roots: ['/opt'] } }),
        '--use-legacy-landlock',
        'x',
      ],
      'restricted-read',
    ],
  ])('%s', (_, words, reason) => {
    expect(combined(...words)).toMatchObject({ kind: 'refused', reason })
  })

  it('prints both policies when they do not match', () => {
    const refusal = combined(...legacy('read-only'), ...splitWorkspace, 'x')
    expect(refusal).toMatchObject({ message: expect.stringContaining('"read-only"') })
    expect(refusal).toMatchObject({ message: expect.stringContaining('"current_working_directory"') })
  })
})

describe('what is accepted', () => {
  it.each<[string, string[], string, string, unknown]>([
    ['a legacy policy', [...workspace, 'x'], 'mounts', 'restricted', 'none'],
    ['split policies with a legacy form', [...splitWorkspace, 'x'], 'mounts', 'restricted', 'none'],
    ['all three that mean the same', [...workspace, ...splitWorkspace, 'x'], 'mounts', 'restricted', 'none'],
    ['a carve-out beside any legacy policy', [...open, ...carved, 'x'], 'mounts', 'restricted', 'none'],
    ['what has no legacy form beside one', [...legacy('read-only'), ...foreign, 'x'], 'mounts', 'restricted', 'none'],
    [
      'a profile without a legacy form',
      [...profile(readAll, at('/opt', 'write')), 'x'],
      'mounts',
      'restricted',
      'none',
    ],
    [
      'an open network',
      [...legacy('workspace-write', { ...bare, network_access: true }), 'x'],
      'mounts',
      'enabled',
      'none',
    ],
    ['Landlock on request', [...workspace, '--use-legacy-landlock', 'x'], 'landlock', 'restricted', 'none'],
    ['an open disk', [...open, 'x'], 'filter', 'enabled', 'none'],
    ['an open disk with Landlock', [...open, '--use-legacy-landlock', 'x'], 'filter', 'enabled', 'none'],
    ['an external sandbox', [...legacy('external-sandbox'), 'x'], 'filter', 'restricted', 'none'],
    ['the inner stage', [...workspace, '--apply-seccomp-then-exec', 'x'], 'filter', 'restricted', 'none'],
    ['proxies', [...workspace, '--allow-network-for-proxy', 'x'], 'mounts', 'restricted', 'managed'],
    ['proxies for an open disk', [...open, '--allow-network-for-proxy', 'x'], 'mounts', 'restricted', 'managed'],
    [
      'proxies with Landlock close the network',
      [
        ...legacy('workspace-write', { ...bare, network_access: true }),
        '--use-legacy-landlock',
        '--allow-network-for-proxy',
        'x',
      ],
      'landlock',
      'restricted',
      'none',
    ],
    [
      'routes for an inner stage',
      [...workspace, '--apply-seccomp-then-exec', '--allow-network-for-proxy', '--proxy-route-spec', '{}', 'x'],
      'filter',
      'restricted',
      { routeSpec: '{}' },
    ],
    [
      'routes without proxy mode',
      [...workspace, '--apply-seccomp-then-exec', '--proxy-route-spec', '{}', 'x'],
      'filter',
      'restricted',
      'none',
    ],
  ])('%s', (_, words, engine, word, proxy) => {
    expect(combined(...words)).toMatchObject({ kind: 'accepted', engine, network: word, proxy })
  })

  it('keeps a legacy policy legacy and a pair split', () => {
    expect(combined(...workspace, 'x')).toMatchObject({ policy: { form: 'legacy' } })
    expect(combined(...workspace, ...carved, 'x')).toMatchObject({ policy: { form: 'split' } })
  })
})
