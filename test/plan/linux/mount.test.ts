import { describe, expect, it } from 'vitest'

import { makeMountPlan } from '../../../lib/plan/linux/mount.ts'
import { makeMountView, mountAccessOf, mountPassableAt } from '../../../lib/plan/linux/mount-view.ts'
import { mountLine } from '../../../lib/plan/render.ts'
import type { AbsolutePath } from '../../../lib/policy/path.ts'
import type { ResolvedPolicy } from '../../../lib/policy/types.ts'
import { changed, tree } from '../../agreement/rule-trees.ts'

const at = (path: string) => path as AbsolutePath

function planOf(resolved: ResolvedPolicy) {
  const made = makeMountPlan(resolved)
  if ('refusal' in made) throw new Error(`refused: ${made.refusal.message}`)
  return made
}

function refusalOf(resolved: ResolvedPolicy) {
  const made = makeMountPlan(resolved)
  if (!('refusal' in made)) throw new Error('a plan was made')
  return made.refusal
}

const golden: Record<string, ResolvedPolicy> = {
  'workspace-write': tree('/ read', '/tmp write', '/w write', '/w/.git read directory protection'),
  'denied-inside-workspace': tree('/ read', '/w write', '/w/.env none file', '/w/secrets none'),
  'none-write-none-read': tree(
    '/ read',
    '/a none',
    '/a/b/c write',
    '/a/b/c/d none',
    '/a/b/c/d/e read file',
    '/a/f read',
  ),
  'empty-root': tree(
    '/bin read symlink platform',
    '/usr read directory platform',
    '/etc/ssl read',
    '/home/me/repo write as /work',
    '/home/me/.gitconfig read file',
  ),
  'missing-inside-workspace': tree(
    '/ read',
    '/w write',
    '/w/.codex read missing in /w/.codex protection',
    '/w/.git read directory protection',
    '/w/a/b/.env none missing in /w/a/b',
    '/w/c/d/e none missing in /w/c',
    '/w/c/f read missing in /w/c',
  ),
  'whole-disk-but-these': tree('/ write', '/home/me/.ssh none', '/home/me/notes read file'),
}

describe('makeMountPlan', () => {
  it.each(Object.entries(golden))('makes the operations of mount-%s.txt', async (name, resolved) => {
    const text = planOf(resolved).plan.operations.map(operation => `${mountLine(operation)}\n`)
    await expect(text.join('')).toMatchFileSnapshot(`../../golden/mount-${name}.txt`)
  })

  it('does nothing where the access does not change', () => {
    const { operations } = planOf(tree('/ read', '/usr read', '/w write', '/w/sub write', '/w/sub/x write file')).plan
    expect(operations.filter(operation => operation.operation === 'bind').map(mountLine)).toEqual([
      'bind write directory "/w"',
    ])
  })

  it('seals every mask after all that is re-opened in it, at any depth', () => {
    const lines = ['/ read', '/a none', '/a/b write', '/a/b/c none', '/a/b/c/d read', '/a/b/c/d/e none']
    const operations = planOf(tree(...lines)).plan.operations.map(mountLine)
    const order = ['seal "/a/b/c/d/e"', 'seal "/a/b/c"', 'seal "/a"'].map(line => operations.indexOf(line))
    expect(order).toEqual([...order].sort((a, b) => a - b))
    expect(order).not.toContain(-1)
    expect(operations.indexOf('mask-directory "/a/b/c/d/e"')).toBeLessThan(order[0]!)
  })

  it('makes a mask passable exactly when something below it is re-opened', () => {
    const { plan } = planOf(tree('/ read', '/open none', '/open/x/y read', '/shut none', '/shut/x none'))
    expect(mountPassableAt(plan, at('/open'))).toBe(true)
    expect(mountPassableAt(plan, at('/open/x'))).toBe(true)
    expect(mountAccessOf(plan, at('/open'))).toBe('none')
    expect(mountPassableAt(plan, at('/shut'))).toBe(false)
    expect(mountPassableAt(plan, at('/open/z'))).toBe(false)
  })

  it('pins the directories on the way to a closed place, so that they cannot be renamed away', () => {
    const { operations } = planOf(tree('/ read', '/w write', '/w/p/q/key none file', '/w/p/other read')).plan
    const lines = operations.map(mountLine)
    expect(lines.slice(1, 6)).toEqual([
      'bind write directory "/w"',
      'bind write directory "/w/p"',
      'bind read directory "/w/p/other"',
      'bind write directory "/w/p/q"',
      'mask-file "/w/p/q/key"',
    ])
    expect(planOf(tree('/ read', '/x/y none')).plan.operations.map(mountLine)).not.toContain(
      'bind write directory "/x"',
    )
  })

  it('masks sockets, pipes and devices like files', () => {
    const { plan } = planOf(tree('/ read', '/w write', '/w/agent.sock none other'))
    expect(plan.operations.map(mountLine)).toContain('mask-file "/w/agent.sock"')
  })

  it('names a place by its alias in an empty root, but not inside a mask or over another place', () => {
    const links = (...lines: string[]) =>
      planOf(tree(...lines))
        .plan.operations.map(mountLine)
        .filter(line => line.startsWith('make-symlink'))
    expect(links('/data/w write as /home/me/w')).toEqual(['make-symlink "/home/me/w" -> "/data/w"'])
    expect(links('/ read', '/data/w write as /home/me/w')).toEqual([])
    expect(links('/data write', '/other/w read as /data-link/w', '/data-link read')).toEqual([])
    expect(links('/data/w read as /dev/w')).toEqual([])
  })

  it('is a pure function of the rules, whatever their order', () => {
    const rules = tree('/ read', '/w write', '/w/a none', '/w/a/b write', '/w-x write')
    const reversed = changed(rules, { rules: [...rules.rules].reverse() })
    expect(planOf(reversed).plan).toEqual(planOf(rules).plan)
  })
})

describe('missing paths', () => {
  it.each([
    ['a writable root', ['/ read', '/gone write missing'], ['missing-root']],
    ['a readable root', ['/gone read missing'], ['missing-root']],
    ['a platform default', ['/lib64 read missing platform'], []],
    ['a denied path that nothing could create', ['/ read', '/gone none missing'], []],
    [
      'a denied path below a missing writable root',
      ['/ read', '/gone write missing', '/gone/x none missing'],
      ['missing-root'],
    ],
    [
      'a denied path in a read-only part of a writable root',
      ['/ read', '/w write', '/w/ro read', '/w/ro/x none missing'],
      [],
    ],
    ['a root that would lie below a file', ['/ read', '/f none file', '/f/gone write'], ['missing-root']],
  ])('are left out: %s', (_, lines, codes) => {
    const { plan, notices } = planOf(tree(...lines))
    expect(notices.map(({ code }) => code)).toEqual(codes)
    expect(plan.operations.map(mountLine).join('\n')).not.toMatch(/gone|\/x"|lib64/)
  })

  it('are never made: no operation makes anything outside a mask or an empty root', () => {
    const { plan } = planOf(tree('/ read', '/w write', '/w/new write missing'))
    expect(plan.operations.some(({ operation }) => operation.startsWith('make-'))).toBe(false)
  })
})

describe('missing paths in a writable place', () => {
  it('cannot be created, nor anything on the way to them', () => {
    const { plan } = planOf(golden['missing-inside-workspace']!)
    for (const path of [
      '/w/.codex',
      '/w/.codex/config.toml',
      '/w/a/b',
      '/w/a/b/.env',
      '/w/c',
      '/w/c/d/e',
      '/w/c/other',
    ]) {
      expect([path, mountAccessOf(plan, at(path))]).toEqual([path, 'none'])
    }
    for (const path of ['/w', '/w/new', '/w/a', '/w/a/new']) expect(mountAccessOf(plan, at(path))).toBe('write')
  })

  it('are one operation, however many entries lie below', () => {
    const { operations } = planOf(golden['missing-inside-workspace']!).plan
    expect(operations.map(mountLine).filter(line => line.includes('"/w/c'))).toEqual(['mask-missing "/w/c"'])
  })

  it('leave out what is to be opened below a default protection, and say so', () => {
    const made = planOf(
      tree('/ read', '/w write', '/w/.git read missing in /w/.git protection', '/w/.git/x write missing'),
    )
    expect(made.notices.map(({ code }) => code)).toEqual(['missing-root'])
    expect(mountAccessOf(made.plan, at('/w/.git/x'))).toBe('none')
  })

  it('are refused where there are more than a host can keep in mind', () => {
    const lines = Array.from({ length: 5000 }, (_, index) => `/w/later-${index} none missing in /w/later-${index}`)
    expect(refusalOf(tree('/ read', '/w write', ...lines))).toMatchObject({ kind: 'not-enforceable' })
    expect(planOf(tree('/ read', '/w write', ...lines.slice(0, 1000))).plan.operations.length).toBe(1004)
  })

  it('do not fit where something stands', () => {
    const { plan } = planOf(golden['missing-inside-workspace']!)
    expect(() => makeMountView(plan, () => 'directory')).toThrow(/does not fit \/w\/.codex, which is directory/)
  })
})

describe('large policies', () => {
  it('cost a plan and a view in proportion to their size', () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `/w/d${index % 200}/f${index} none file`)
    const resolved = tree('/ read', '/w write', ...lines)
    const start = performance.now()
    const view = makeMountView(planOf(resolved).plan)
    expect(view.at(at('/w/d7/f19807')).access).toBe('none')
    expect(view.at(at('/w/d7/other')).access).toBe('write')
    // The bound is generous: it is about the shape of the work, not about this machine.
    expect(performance.now() - start).toBeLessThan(5_000)
  })
})

describe('refusals', () => {
  it.each([
    ['a denied path below a file', ['/ read', '/w write', '/w/file/later none missing'], /not a directory/],
    ['a read-only path below a file', ['/ read', '/w write', '/w/file/later read missing'], /not a directory/],
    ['the same below the writable root of the disk', ['/ write', '/file/later none missing'], /not a directory/],
    [
      'a missing path beside one that is to be writable when it comes',
      ['/ read', '/w write', '/w/a/open write missing', '/w/a/shut none missing in /w/a'],
      /would close \/w\/a\/open/,
    ],
    ['a denied link inside a writable root', ['/ read', '/w write', '/w/link none symlink'], /symbolic link/],
    ['a read-only link inside a writable root', ['/ read', '/w write', '/w/.git read symlink'], /symbolic link/],
    ['a link in a readable place', ['/ read', '/etc/link none symlink'], /symbolic link/],
    ['an opened link', ['/opt/link read symlink'], /symbolic link/],
    [
      'a writable root through a link in another one',
      ['/ read', '/w write', '/other write as /w/link'],
      /crosses a symbolic/,
    ],
    [
      'a readable root through a link in a writable one',
      ['/w write', '/other read as /w/sub/link'],
      /crosses a symbolic/,
    ],
    [
      'the same with both spelled through an alias',
      ['/ read', '/data/w write as /w', '/o write as /w/link'],
      /crosses/,
    ],
    ['a read-only pipe in a writable root', ['/ read', '/w write', '/w/pipe read other'], /does not stop writing/],
    ['a writable /dev', ['/ read', '/dev write'], /private, minimal \/dev/],
    ['a denied /dev', ['/ read', '/dev none'], /private, minimal \/dev/],
    ['a denied standard device', ['/ read', '/dev/null none other'], /private, minimal \/dev/],
    ['a writable device of the host', ['/ read', '/dev/sda write other'], /private, minimal \/dev/],
    ['a place inside the private shared memory', ['/ read', '/dev/shm/x write'], /private, minimal \/dev/],
    ['a denied file of /proc', ['/ read', '/proc/cpuinfo none file'], /read-only \/proc/],
    ['a writable /proc', ['/ read', '/proc write'], /read-only \/proc/],
  ])('names the entry and the mechanism: %s', (_, lines, reason) => {
    const resolved = tree(...lines)
    const refusal = refusalOf(resolved)
    const last = resolved.fileSystem.entries.at(-1)!.path
    expect(refusal).toMatchObject({ kind: 'not-enforceable', mechanism: 'mount plan' })
    expect(refusal.entry).toBe(last.type === 'path' ? last.path : '')
    expect(refusal.message).toMatch(reason)
    expect(refusal.hint).toBeTruthy()
  })

  it('names a default protection that is a link', () => {
    const refusal = refusalOf(tree('/ read', '/w write', '/w/.git read symlink protection'))
    expect(refusal.entry).toBeUndefined()
    expect(refusal.message).toContain('.git of /w')
  })

  it.each([
    [
      'an alias of the whole writable root',
      ['/ read', '/data/w write as /home/me/w', '/data/w/sub none as /home/me/w/sub'],
    ],
    [
      'a nested root spelled through the alias of the outer',
      ['/data/w write as /w', '/data/w/a none', '/data/w/a/b write as /w/a/b'],
    ],
    ['a link in a place that is only readable', ['/ read', '/opt read', '/other write as /opt/link']],
    ['a readable /dev and /proc', ['/dev read', '/proc read', '/proc/cpuinfo read file']],
    ['standard devices that are opened', ['/ read', '/dev/null write other', '/dev/shm write']],
    ['devices that are denied and not there anyway', ['/ read', '/dev/kvm none other', '/dev/mapper none']],
    [
      'missing things in /dev and /proc',
      ['/ read', '/dev/gone none missing', '/proc/gone none missing', '/dev/g2 write missing'],
    ],
    ['a denied pipe in a writable root', ['/ read', '/w write', '/w/pipe none other']],
  ])('are not needed for %s', (_, lines) => {
    expect(planOf(tree(...lines)).plan.operations.length).toBeGreaterThan(2)
  })
})

describe('the mount view', () => {
  const bind = (path: string, access: 'read' | 'write' = 'read') =>
    ({
      operation: 'bind',
      source: at(path),
      target: at(path),
      access,
      type: 'directory',
      origin: { kind: 'platform-default' },
    }) as const
  const mask = (path: string) =>
    ({ operation: 'mask-directory', target: at(path), passable: true, origin: { kind: 'platform-default' } }) as const
  const host = { operation: 'host-tree', access: 'read' } as const
  const empty = { operation: 'empty-root' } as const
  const directory = (path: string) => ({ operation: 'make-directory', target: at(path) }) as const
  const seal = (path: string) => ({ operation: 'seal', target: at(path) }) as const

  it('lets a later mount hide what was mounted below it', () => {
    const plan = { operations: [host, bind('/a/b', 'write'), bind('/a')] }
    expect(mountAccessOf(plan, at('/a/b'))).toBe('read')
    expect(mountAccessOf({ operations: [host, bind('/a'), bind('/a/b', 'write')] }, at('/a/b/c'))).toBe('write')
  })

  it('answers write for a mask that was not sealed', () => {
    expect(mountAccessOf({ operations: [host, mask('/a')] }, at('/a/x'))).toBe('write')
    expect(mountAccessOf({ operations: [host, mask('/a'), seal('/a')] }, at('/a/x'))).toBe('none')
  })

  it('answers none behind a directory that cannot be passed', () => {
    const shut = { ...mask('/a'), passable: false }
    const plan = { operations: [host, shut, directory('/a/b'), bind('/a/b'), seal('/a')] }
    expect(mountAccessOf(plan, at('/a/b'))).toBe('none')
  })

  it('follows links of an empty root', () => {
    const link = { operation: 'make-symlink', target: at('/bin'), to: 'usr/bin' } as const
    const loop = { operation: 'make-symlink', target: at('/loop'), to: '/loop' } as const
    const plan = { operations: [empty, directory('/usr'), bind('/usr'), link, loop, seal('/')] }
    expect(mountAccessOf(plan, at('/bin/sh'))).toBe('read')
    expect(mountAccessOf(plan, at('/loop/x'))).toBe('none')
  })

  it('refuses a mount that does not fit what the host has there, when that is told', () => {
    const plan = { operations: [host, mask('/a'), seal('/a')] }
    expect(() => makeMountView(plan, () => 'file')).toThrow(/which is file on the host/)
    expect(() => makeMountView(plan, () => 'missing')).toThrow(/which is missing on the host/)
    expect(makeMountView(plan, () => 'directory').at(at('/a')).access).toBe('none')
  })

  it.each([
    ['a mount point that was never made', [empty, bind('/usr')]],
    ['a level that is missing', [empty, directory('/a/b')]],
    ['something made on the host', [host, directory('/a')]],
    ['something made in a place of the host', [empty, directory('/a'), bind('/a', 'write'), directory('/a/b')]],
    ['something made after the seal', [host, mask('/a'), seal('/a'), directory('/a/b')]],
    ['a seal of nothing', [host, seal('/a')]],
    ['a second base', [host, empty]],
    ['a file over a directory', [empty, directory('/a'), { ...bind('/a'), type: 'file' } as const]],
    ['no base', [bind('/a')]],
  ])('refuses to carry out %s', (_, operations) => {
    expect(() => makeMountView({ operations }).at(at('/'))).toThrow(/mount/)
  })
})
