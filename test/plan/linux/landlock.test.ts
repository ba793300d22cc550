import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InternalError, PolicyError } from '../../../lib/errors.ts'
import {
  type LandlockMode,
  type LandlockPlan,
  landlockObstacle,
  makeLandlockPlan,
} from '../../../lib/plan/linux/landlock.ts'
import {
  EXECUTE,
  FILE_ACCESS,
  IOCTL_DEV,
  landlockAccess,
  MAKE_BLOCK,
  MAKE_CHAR,
  NEWEST_LANDLOCK_ABI,
  READ_ACCESS,
  READ_DIR,
  READ_FILE,
  REFER,
  RESOLVE_UNIX,
  TRUNCATE,
  WRITE_FILE,
} from '../../../lib/plan/linux/landlock-access.ts'
import { landlockLimits } from '../../../lib/plan/linux/landlock-limits.ts'
import { type LandlockOperation, landlockAccessOf, landlockAllows } from '../../../lib/plan/linux/landlock-view.ts'
import { type AbsolutePath, contains, depthOf, normalizeAbsolute, parentOf } from '../../../lib/policy/path.ts'
import type { Access, AccessRule, FileKind, ResolvedPolicy, RuleOrigin } from '../../../lib/policy/types.ts'

type Line = readonly [path: string, access: Access, target?: FileKind, protection?: boolean]

/** A resolved policy with these rules. Only what the Landlock layer reads is filled with meaning. */
function policy(lines: readonly Line[], network: 'restricted' | 'enabled' = 'restricted'): ResolvedPolicy {
  const rules = lines.map(([path, access, target = 'directory', protection = false], index): AccessRule => {
    const root = parentOf(normalizeAbsolute(path))
    const origin: RuleOrigin = protection
      ? { kind: 'protection', name: '.git', root }
      : { kind: 'entry', index, spelled: path }
    return { path: normalizeAbsolute(path), access, target, origin }
  })
  rules.sort((left, right) => depthOf(left.path) - depthOf(right.path) || (left.path < right.path ? -1 : 1))
  return {
    kind: 'restricted',
    network,
    cwd: normalizeAbsolute('/w'),
    fileSystem: { kind: 'restricted', entries: [] },
    legacy: null,
    needsDirectEnforcement: false,
    globs: null,
    fullDiskRead: rules[0]?.path === '/' && rules.every(rule => rule.access !== 'none'),
    fullDiskWrite: rules.length === 1 && rules[0]?.path === '/' && rules[0].access === 'write',
    platformDefaults: false,
    readableRoots: [],
    writableRoots: [],
    unreadableRoots: [],
    rules,
    digest: '',
  }
}

function accessOf(resolved: ResolvedPolicy, path: AbsolutePath): Access {
  return resolved.rules.findLast(rule => contains(rule.path, path))?.access ?? 'none'
}

function plan(lines: readonly Line[], mode: LandlockMode, abi = 7, networkRestricted = true): LandlockPlan {
  return makeLandlockPlan({ resolved: policy(lines), abi, mode, networkRestricted })
}

function granted(made: LandlockPlan): Record<string, number> {
  return Object.fromEntries(made.rules.map(rule => [rule.path, rule.allowedAccess]))
}

const path = normalizeAbsolute
const workspace: readonly Line[] = [
  ['/', 'read'],
  ['/w', 'write'],
  ['/w/.git', 'read', 'directory', true],
]
const devices = ['/dev/full', '/dev/null', '/dev/random', '/dev/tty', '/dev/urandom', '/dev/zero']
const abis = Array.from({ length: 13 }, (_, abi) => abi)

describe('landlockAccess', () => {
  const rows: readonly (readonly [abi: number, fs: number, net: number, scoped: number])[] = [
    [0, 0x0, 0, 0],
    [1, 0x1fff, 0, 0],
    [2, 0x3fff, 0, 0],
    [3, 0x7fff, 0, 0],
    [4, 0x7fff, 3, 0],
    [5, 0xffff, 3, 0],
    [6, 0xffff, 3, 3],
    [7, 0xffff, 3, 3],
    [8, 0xffff, 3, 3],
    [9, 0x1ffff, 3, 3],
    [10, 0x1ffff, 15, 3],
    [11, 0x1ffff, 15, 3],
    [12, 0x1ffff, 15, 3],
  ]
  it.each(rows)('ABI %i knows %i, %i, %i', (abi, fs, net, scoped) => {
    expect(landlockAccess(abi)).toEqual({ abi: Math.min(abi, NEWEST_LANDLOCK_ABI), fs, net, scoped })
  })

  it.each([-1, 1.5, Number.NaN])('refuses %d', abi => {
    expect(() => landlockAccess(abi)).toThrow(InternalError)
  })

  it('divides all rights into reading and changing', () => {
    const all = landlockAccess(NEWEST_LANDLOCK_ABI).fs
    const changing = all & ~READ_ACCESS
    expect(READ_ACCESS).toBe(EXECUTE | READ_FILE | READ_DIR)
    expect(READ_ACCESS | changing).toBe(all)
    expect(changing & (WRITE_FILE | TRUNCATE | REFER | IOCTL_DEV)).toBe(WRITE_FILE | TRUNCATE | REFER | IOCTL_DEV)
  })
})

describe.each(['alone', 'stacked'] as const)('a Landlock plan, %s', mode => {
  it.each(abis.slice(1))('asks the kernel only for what ABI %i knows', abi => {
    for (const networkRestricted of [true, false]) {
      const known = landlockAccess(abi)
      const made = plan(workspace, mode, abi, networkRestricted)
      expect(made.abi).toBe(known.abi)
      expect(made.handledAccessFs).toBe(networkRestricted ? known.fs : known.fs & ~RESOLVE_UNIX)
      expect(made.handledAccessNet).toBe(networkRestricted ? known.net : 0)
      expect(made.scoped).toBe(abi < 6 ? 0 : networkRestricted ? 3 : 2)
      for (const rule of made.rules) expect(rule.allowedAccess & ~made.handledAccessFs).toBe(0)
    }
  })

  it('refuses to be made without Landlock', () => {
    expect(() => plan(workspace, mode, 0)).toThrow(InternalError)
  })

  it('gives files only the rights of files', () => {
    for (const abi of abis.slice(1)) {
      const made = plan(
        [
          ['/', 'read'],
          ['/w/f', 'write', 'file'],
          ['/w/p', 'write', 'other'],
        ],
        mode,
        abi,
      )
      for (const name of ['/w/f', '/w/p']) {
        const rights = granted(made)[name]
        expect(rights).toBe(FILE_ACCESS & landlockAccess(abi).fs & ~RESOLVE_UNIX)
      }
    }
  })

  it('gives writable directories everything but device nodes and the sockets of the host', () => {
    const made = plan([['/w', 'write']], mode, 12)
    expect(granted(made)['/w']).toBe(landlockAccess(12).fs & ~(MAKE_CHAR | MAKE_BLOCK | RESOLVE_UNIX))
    for (const rule of made.rules) expect(rule.allowedAccess & (MAKE_CHAR | MAKE_BLOCK | RESOLVE_UNIX)).toBe(0)
  })

  it('needs writable roots to be there and lets readable ones be gone', () => {
    const made = plan(
      [
        ['/r', 'read'],
        ['/w', 'write'],
      ],
      mode,
    )
    expect(made.rules.find(rule => rule.path === '/w')?.presence).toBe('required')
    expect(made.rules.find(rule => rule.path === '/r')?.presence).toBe('optional')
  })

  it('has no rule for what is missing, a link, or denied', () => {
    const made = plan(
      [
        ['/gone', 'write', 'missing'],
        ['/link', 'write', 'symlink'],
        ['/no', 'none'],
      ],
      mode,
    )
    expect(made.rules.filter(rule => ['/gone', '/link', '/no'].includes(rule.path))).toEqual([])
  })

  it('leaves out rules that a directory above already grants, and orders the rest', () => {
    const made = plan(
      [
        ['/', 'read'],
        ['/usr', 'read'],
        ['/w', 'write'],
        ['/w/a', 'write'],
        ['/w/a/b', 'read', 'file', true],
      ],
      mode,
    )
    const paths = made.rules.map(rule => rule.path)
    expect(paths).not.toContain('/usr')
    expect(paths).not.toContain('/w/a')
    expect(paths).not.toContain('/w/a/b')
    expect(paths).toEqual([...paths].sort())
  })

  it('grants everything that may be written with a single rule', () => {
    expect(plan([['/', 'write']], mode).rules.map(rule => rule.path)).toEqual(['/'])
  })

  it('is frozen', () => {
    const made = plan(workspace, mode)
    expect(Object.isFrozen(made) && Object.isFrozen(made.rules) && made.rules.every(Object.isFrozen)).toBe(true)
  })
})

describe('Landlock alone', () => {
  it('reads the whole disk and writes to roots and harmless devices', () => {
    expect(Object.keys(granted(plan(workspace, 'alone')))).toEqual(['/', ...devices, '/w'])
    expect(granted(plan(workspace, 'alone'))['/']).toBe(READ_ACCESS)
  })

  it('does not open the terminals and the shared memory of the host', () => {
    const made = plan(workspace, 'alone')
    for (const name of ['/dev/pts/0', '/dev/ptmx', '/dev/shm/x', '/dev/sda', '/dev/kmsg']) {
      expect(landlockAccessOf(made, path(name))).toBe('read')
    }
    expect(landlockAccessOf(plan([...workspace, ['/dev/shm', 'write']], 'alone'), path('/dev/shm/x'))).toBe('write')
  })

  it('keeps a device denied that the policy denies', () => {
    const made = plan(
      [
        ['/w', 'write'],
        ['/dev', 'none'],
        ['/dev/zero', 'read', 'other'],
      ],
      'alone',
    )
    expect(made.rules.map(rule => rule.path)).toEqual(['/dev/zero', '/w'])
    expect(landlockAccessOf(plan([['/w', 'write']], 'alone'), path('/dev/null'))).toBe('write')
  })

  const obstacles: readonly (readonly [string, readonly Line[], string | null])[] = [
    [
      'a denied directory below a readable one',
      [
        ['/', 'read'],
        ['/no', 'none'],
      ],
      '/no',
    ],
    [
      'a denied path that does not exist yet',
      [
        ['/', 'read'],
        ['/no', 'none', 'missing'],
      ],
      '/no',
    ],
    [
      'a read-only directory below a writable one',
      [
        ['/w', 'write'],
        ['/w/ro', 'read'],
      ],
      '/w/ro',
    ],
    [
      'a link held in a writable root',
      [
        ['/w', 'write'],
        ['/w/l', 'none', 'symlink'],
      ],
      '/w/l',
    ],
    ['a protection', workspace, null],
    [
      'writing below reading',
      [
        ['/', 'read'],
        ['/w', 'write'],
      ],
      null,
    ],
    [
      'a denied path where nothing is granted',
      [
        ['/r', 'read'],
        ['/no', 'none'],
      ],
      null,
    ],
    [
      'reading below a denied path',
      [
        ['/no', 'none'],
        ['/no/yes', 'read'],
      ],
      null,
    ],
  ]
  it.each(obstacles)('%s', (_, lines, obstacle) => {
    expect(landlockObstacle(policy(lines))?.path ?? null).toBe(obstacle)
    if (obstacle === null) expect(() => plan(lines, 'alone')).not.toThrow()
    else expect(() => plan(lines, 'alone')).toThrow(PolicyError)
    expect(() => plan(lines, 'stacked')).not.toThrow()
  })

  const names = ['a', 'b', 'c']
  const somePath = fc.array(fc.constantFrom(...names), { maxLength: 4 }).map(parts => path(`/${parts.join('/')}`))
  const line = fc.tuple(
    somePath,
    fc.constantFrom<Access>('read', 'write', 'none'),
    fc.constantFrom<FileKind>('directory', 'directory', 'directory', 'file', 'symlink', 'other', 'missing'),
  )
  const lines = fc
    .uniqueArray(line, { selector: ([where]) => where, maxLength: 6 })
    .map(all => all.map(([where, access, target]): Line => [where, access, where === '/' ? 'directory' : target]))

  const order: readonly Access[] = ['none', 'read', 'write']
  const allPaths = fc.sample(somePath, 200)

  it('never grants more than the policy, or refuses it', () => {
    let refused = 0
    let held = 0
    fc.assert(
      fc.property(lines, fc.constantFrom(...abis.slice(1)), fc.boolean(), (chosen, abi, networkRestricted) => {
        const resolved = policy(chosen)
        if (landlockObstacle(resolved) !== null) {
          refused++
          expect(() => makeLandlockPlan({ resolved, abi, mode: 'alone', networkRestricted })).toThrow(PolicyError)
          return
        }
        held++
        const made = makeLandlockPlan({ resolved, abi, mode: 'alone', networkRestricted })
        for (const where of [...allPaths, ...devices.map(path)]) {
          const allowed = order.indexOf(accessOf(resolved, where))
          const device = devices.includes(where)
          for (const kind of ['file', 'directory'] as const) {
            const given = order.indexOf(landlockAccessOf(made, where, kind))
            if (!device) expect(given, where).toBeLessThanOrEqual(allowed)
          }
        }
      }),
      { numRuns: 300 },
    )
    expect(refused).toBeGreaterThan(20)
    expect(held).toBeGreaterThan(20)
  })

  it('grants exactly what the policy says where everything exists', () => {
    const directories = lines.map(all => all.map(([where, access]): Line => [where, access]))
    fc.assert(
      fc.property(directories, chosen => {
        const resolved = policy(chosen)
        fc.pre(landlockObstacle(resolved) === null)
        const made = makeLandlockPlan({ resolved, abi: 7, mode: 'alone', networkRestricted: true })
        for (const where of allPaths) {
          expect(landlockAccessOf(made, where, 'directory'), where).toBe(accessOf(resolved, where))
          expect(landlockAccessOf(made, where, 'file'), where).toBe(accessOf(resolved, where))
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('Landlock inside a mount namespace', () => {
  it('also opens the private /dev, and /proc for reading', () => {
    expect(Object.keys(granted(plan(workspace, 'stacked')))).toEqual(['/', '/dev', '/dev/shm', '/w'])
    const made = plan(
      [
        ['/usr', 'read'],
        ['/w', 'write'],
      ],
      'stacked',
    )
    expect(Object.keys(granted(made))).toEqual(['/dev', '/dev/shm', '/proc', '/usr', '/w'])
    expect(landlockAccessOf(made, path('/dev/pts/0'))).toBe('write')
    expect(landlockAccessOf(made, path('/dev/shm/x'))).toBe('write')
    expect(landlockAllows(made, path('/dev/shm/x'), 'make-file')).toBe(true)
    expect(landlockAllows(made, path('/dev/x'), 'make-file')).toBe(false)
    expect(landlockAccessOf(made, path('/proc/self/maps'))).toBe('read')
    expect(landlockAccessOf(made, path('/'), 'directory')).toBe('none')
  })

  it('never opens /proc for writing, and takes nothing of the host below /dev and /proc', () => {
    const made = plan(
      [
        ['/', 'read'],
        ['/proc/sys', 'write'],
        ['/dev/shm/run', 'write'],
        ['/w', 'write'],
      ],
      'stacked',
    )
    expect(Object.keys(granted(made))).toEqual(['/', '/dev', '/dev/shm', '/w'])
    expect(landlockAccessOf(made, path('/proc/sys/kernel/core_pattern'))).toBe('read')
  })

  it('opens what the policy re-opens below a denied directory', () => {
    const made = plan(
      [
        ['/usr', 'read'],
        ['/usr/no', 'none'],
        ['/no', 'none'],
        ['/no/yes', 'read'],
        ['/no/w', 'write'],
      ],
      'stacked',
    )
    expect(landlockAccessOf(made, path('/no/yes/f'))).toBe('read')
    expect(landlockAccessOf(made, path('/no/w/f'))).toBe('write')
    expect(landlockAccessOf(made, path('/no/f'))).toBe('none')
  })
})

describe('a policy of many entries', () => {
  it('is planned in time that grows with its size, not with its square', { timeout: 600_000 }, () => {
    const many = policy(Array.from({ length: 40_000 }, (_, index): Line => [`/w/${index}`, 'write']))
    const started = process.cpuUsage()
    const { rules } = makeLandlockPlan({ resolved: many, abi: 7, mode: 'stacked', networkRestricted: true })
    expect(rules.filter(rule => rule.path.startsWith('/w/'))).toHaveLength(40_000)
    // Each path compared with each would be more than a thousand million times.
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(8000)
  })
})

describe('landlockLimits', () => {
  const resolved = policy(workspace)
  const plain = policy([
    ['/', 'read'],
    ['/w', 'write'],
  ])
  const everything = policy([['/', 'write']])
  const open = policy(workspace, 'enabled')
  const pidNamespace = true
  const socketFilter = false
  const rows = [
    ['alone', 7, resolved, {}, ['metadata-outside-roots', 'protected-paths']],
    ['alone', 7, plain, {}, ['metadata-outside-roots']],
    ['alone', 7, everything, {}, []],
    ['alone', 5, plain, {}, ['metadata-outside-roots', 'signals']],
    ['alone', 5, plain, { pidNamespace }, ['metadata-outside-roots']],
    ['alone', 5, plain, { pidNamespace, socketFilter }, ['metadata-outside-roots', 'abstract-unix-sockets']],
    ['alone', 5, open, { pidNamespace, socketFilter }, ['metadata-outside-roots', 'protected-paths']],
    ['alone', 2, plain, {}, ['metadata-outside-roots', 'truncate', 'signals']],
    ['alone', 3, plain, {}, ['metadata-outside-roots', 'signals']],
    ['stacked', 7, resolved, {}, []],
    ['stacked', 2, resolved, { pidNamespace }, []],
    ['stacked', 2, resolved, {}, ['signals']],
    ['stacked', 0, resolved, { pidNamespace }, ['reopened-descriptors']],
    ['stacked', 6, resolved, { socketFilter }, []],
    ['stacked', 5, resolved, { pidNamespace, socketFilter }, ['abstract-unix-sockets']],
  ] as const
  it.each(rows)('%s, ABI %i (row %#)', (mode, abi, subject, others, codes) => {
    expect(landlockLimits(subject, abi, mode, others).map(limit => limit.code)).toEqual(codes)
  })
})

describe('the Landlock model', () => {
  const made = plan(
    [
      ['/', 'read'],
      ['/w', 'write'],
      ['/f', 'write', 'file'],
    ],
    'alone',
    9,
  )
  const rows: readonly (readonly [LandlockOperation, string, boolean])[] = [
    ['read-file', '/etc/passwd', true],
    ['read-directory', '/etc', true],
    ['execute', '/bin/sh', true],
    ['write-file', '/etc/passwd', false],
    ['write-file', '/w/x', true],
    ['write-file', '/f', true],
    ['truncate', '/f', true],
    ['truncate', '/g', false],
    ['make-file', '/w/x', true],
    ['make-file', '/x', false],
    ['make-directory', '/w', false],
    ['make-directory', '/w/d', true],
    ['make-symlink', '/w/l', true],
    ['make-fifo', '/w/p', true],
    ['make-socket', '/w/s', true],
    ['make-block-device', '/w/b', false],
    ['make-character-device', '/w/c', false],
    ['remove-file', '/w/x', true],
    ['remove-file', '/f', false],
    ['remove-directory', '/w', false],
    ['remove-directory', '/w/d', true],
    ['reparent', '/w/x', true],
    ['reparent', '/x', false],
    ['device-ioctl', '/dev/tty', true],
    ['device-ioctl', '/dev/sda', false],
    ['connect-unix', '/w/host.sock', false],
  ]
  it.each(rows)('%s %s: %s', (operation, where, allowed) => {
    expect(landlockAllows(made, path(where), operation)).toBe(allowed)
  })

  it('lets through what an older kernel does not handle, but for re-parenting', () => {
    const old = plan(
      [
        ['/', 'read'],
        ['/w', 'write'],
      ],
      'alone',
      1,
    )
    expect(landlockAllows(old, path('/etc/passwd'), 'truncate')).toBe(true)
    expect(landlockAllows(old, path('/dev/sda'), 'device-ioctl')).toBe(true)
    expect(landlockAllows(old, path('/w/x'), 'reparent')).toBe(false)
    expect(landlockAllows(old, path('/etc/passwd'), 'write-file')).toBe(false)
  })
})
