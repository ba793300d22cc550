import { describe, expect, it } from 'vitest'
import { enforcedAccessOf, resolvePolicy } from '../../lib/policy/resolve.ts'
import { parseSandboxPolicy } from '../../lib/policy/sandbox-policy.ts'
import { type Around, path, surroundingsIn, type Tree } from './fake-files.ts'

/** `read /a`, `write :root`, `none :project_roots/x`. */
function policyOf(entries: readonly string[]) {
  return parseSandboxPolicy({
    kind: 'restricted',
    entries: entries.map(line => {
      const [access, place = ''] = line.split(' ')
      if (!place.startsWith(':')) return { access, path: { type: 'path', path: place } }
      const [kind = '', ...subpath] = place.slice(1).split('/')
      const value = subpath.length === 0 ? { kind } : { kind, subpath: subpath.join('/') }
      return { access, path: { type: 'special', value } }
    }),
  })
}

function resolvedRules(entries: readonly string[], tree: Tree, around: Around = {}) {
  return resolvePolicy(policyOf(entries), surroundingsIn(tree, around)).rules
}

/** Without the protections of names that are missing, which every workspace root has; they have tests of their own. */
function rulesOf(entries: readonly string[], tree: Tree, around: Around = {}) {
  return resolvedRules(entries, tree, around)
    .filter(({ target, origin }) => target !== 'missing' || origin.kind !== 'protection')
    .map(rule => `${rule.path} ${rule.access} ${rule.target} ${rule.origin.kind}`)
}

function missingProtections(entries: readonly string[], tree: Tree, around: Around = {}) {
  return resolvedRules(entries, tree, around)
    .filter(({ target, origin }) => target === 'missing' && origin.kind === 'protection')
    .map(({ path, access }) => `${path} ${access}`)
}

interface Row {
  readonly behaviour: string
  readonly tree: Tree
  readonly entries: readonly string[]
  readonly around?: Around
  readonly rules: readonly string[]
}

const rows: readonly Row[] = [
  {
    behaviour: 're-opens a writable child under a denied parent under a writable root',
    tree: { '/repo/a/b': 'dir' },
    entries: ['write /repo', 'none /repo/a', 'write /repo/a/b'],
    rules: ['/repo write directory entry', '/repo/a none directory entry', '/repo/a/b write directory entry'],
  },
  {
    behaviour: 'holds an entry that reaches a git directory by a link, also where the option git opens that',
    tree: {
      '/ws/.git': { text: 'gitdir: /main/.git/worktrees/w\n' },
      '/main/.git/config': { text: '' },
      '/main/.git/HEAD': { text: 'ref: refs/heads/main\n' },
      '/main/.git/objects': 'dir',
      '/main/.git/refs': 'dir',
      '/main/.git/worktrees/w/HEAD': { text: 'ref: refs/heads/w\n' },
      '/main/.git/worktrees/w/commondir': { text: '../..\n' },
      '/main/.git/worktrees/w/gitdir': { text: '/ws/.git\n' },
      '/g': { link: '/main/.git' },
    },
    entries: ['write :current_working_directory', 'read /g'],
    around: { git: 'writable' },
    rules: [
      '/ws write directory entry',
      '/main/.git read directory entry',
      '/ws/.git read file protection',
      '/main/.git/worktrees/w write directory git',
    ],
  },
  {
    behaviour: 'keeps the git directory, .agents and .codex of a writable root read-only',
    tree: { '/ws/.git': 'dir', '/ws/.agents': 'dir', '/ws/.codex': 'dir' },
    entries: ['write :current_working_directory'],
    rules: [
      '/ws write directory entry',
      '/ws/.agents read directory protection',
      '/ws/.codex read directory protection',
      '/ws/.git read directory protection',
    ],
  },
  {
    behaviour: 'keeps plain .agents and .codex files of a writable root read-only, as the specification does not',
    tree: { '/ws/.agents': 'file', '/ws/.codex': 'file', '/tmp/.codex': 'file' },
    entries: ['write :current_working_directory', 'write :slash_tmp'],
    rules: [
      '/tmp write directory entry',
      '/ws write directory entry',
      '/tmp/.codex read file protection',
      '/ws/.agents read file protection',
      '/ws/.codex read file protection',
    ],
  },
  {
    behaviour: 'has a rule for links to nothing and pipes of a workspace with protected names',
    tree: { '/ws/.git': { link: '/nowhere' }, '/ws/.codex': { link: '/ws/no' }, '/ws/.agents': 'other' },
    entries: ['write :current_working_directory'],
    rules: [
      '/ws write directory entry',
      '/ws/.agents read other protection',
      '/ws/.codex read symlink protection',
      '/ws/.git read symlink protection',
    ],
  },
  {
    behaviour: 'leaves alone what somebody else may have put into a directory that many share',
    tree: { '/tmp/.git': { link: '/nowhere' }, '/tmp/.agents': 'other' },
    entries: ['write :slash_tmp'],
    rules: ['/tmp write directory entry'],
  },
  {
    behaviour: 'lets an explicit write entry lift the protection of a plain file',
    tree: { '/ws/.codex': 'file' },
    entries: ['write /ws', 'write /ws/.codex'],
    rules: ['/ws write directory entry', '/ws/.codex write file entry'],
  },
  {
    behaviour: 'lets an explicit write entry for .git lift its protection',
    tree: { '/ws/.git': 'dir', '/ws/.codex': 'dir' },
    entries: ['write /ws', 'write /ws/.git'],
    rules: ['/ws write directory entry', '/ws/.codex read directory protection', '/ws/.git write directory entry'],
  },
  {
    behaviour: 'lets deeper entries stand below a protection',
    tree: { '/ws/.git/x': 'dir' },
    entries: ['write /ws', 'write /ws/.git/x'],
    rules: ['/ws write directory entry', '/ws/.git read directory protection', '/ws/.git/x write directory entry'],
  },
  {
    behaviour: 'protects the git directory behind a pointer file where another root makes it writable',
    tree: { '/ws/.git': { text: 'gitdir: ../main/worktrees/ws\n' }, '/main/worktrees/ws': 'dir' },
    entries: ['write /ws', 'write /main'],
    rules: [
      '/main write directory entry',
      '/ws write directory entry',
      '/ws/.git read file protection',
      '/main/worktrees/ws read directory protection',
    ],
  },
  {
    behaviour: 'protects what git reads in a pointer file: a name may end in blanks',
    tree: { '/ws/.git': { text: 'gitdir: real \n' }, '/ws/real ': 'dir' },
    entries: ['write /ws'],
    rules: ['/ws write directory entry', '/ws/.git read file protection', '/ws/real  read directory protection'],
  },
  {
    behaviour: 'protects the common directory of a linked worktree where a root makes it writable',
    tree: {
      '/wt/.git': { text: 'gitdir: /main/.git/worktrees/wt\n' },
      '/main/.git/worktrees/wt/commondir': { text: '../..\n' },
      '/main/.git/hooks': 'dir',
    },
    entries: ['write /wt', 'write /main/.git'],
    rules: [
      '/wt write directory entry',
      '/main/.git write directory entry',
      '/wt/.git read file protection',
      '/main/.git/worktrees/wt read directory protection',
    ],
  },
  {
    behaviour: 'protects that common directory below a writable root that does not name it',
    tree: {
      '/all/wt/.git': { text: 'gitdir: /all/main/git/worktrees/wt\n' },
      '/all/main/git/worktrees/wt/commondir': { text: '../..\n' },
    },
    entries: ['write /all', 'write /all/wt'],
    rules: [
      '/all write directory entry',
      '/all/wt write directory entry',
      '/all/main/git read directory protection',
      '/all/wt/.git read file protection',
      '/all/main/git/worktrees/wt read directory protection',
    ],
  },
  {
    behaviour: 'keeps that protection when the root of the pointer is denied at the same path',
    tree: { '/ws/.git': { text: 'gitdir: /main/gitdir' }, '/main/gitdir': 'dir' },
    entries: ['write /ws', 'none /ws', 'write /main'],
    rules: ['/main write directory entry', '/ws none directory entry', '/main/gitdir read directory protection'],
  },
  {
    behaviour: 'does not open a git directory that lies in a denied place',
    tree: { '/ws/.git': { text: 'gitdir: /main/gitdir' }, '/main/gitdir': 'dir' },
    entries: ['write /ws', 'none /main'],
    rules: ['/main none directory entry', '/ws write directory entry', '/ws/.git read file protection'],
  },
  {
    behaviour: 'lets an explicit entry for the git directory behind a pointer win',
    tree: { '/ws/.git': { text: 'gitdir: /main/gitdir' }, '/main/gitdir': 'dir' },
    entries: ['write /ws', 'write /main', 'write /main/gitdir'],
    rules: [
      '/main write directory entry',
      '/ws write directory entry',
      '/main/gitdir write directory entry',
      '/ws/.git read file protection',
    ],
  },
  {
    behaviour: 'protects a linked .git by its own name and where it leads',
    tree: { '/ws/.git': { link: '/ws/store/git' }, '/ws/store/git': 'dir' },
    entries: ['write /ws'],
    rules: ['/ws write directory entry', '/ws/.git read symlink protection', '/ws/store/git read directory protection'],
  },
  {
    behaviour: 'lets an explicit write entry lift the protection of a linked .git by both names',
    tree: { '/ws/.git': { link: '/ws/store/git' }, '/ws/store/git': 'dir' },
    entries: ['write /ws', 'write /ws/.git'],
    rules: ['/ws write directory entry', '/ws/store/git write directory entry'],
  },
  {
    behaviour: 'holds a carve-out spelled by its real path under a root spelled through a link',
    tree: { '/link': { link: '/real' }, '/real/secret': 'file' },
    entries: ['write /link', 'none /real/secret'],
    rules: ['/real write directory entry', '/real/secret none file entry'],
  },
  {
    behaviour: 'holds a carve-out spelled through a link under a root spelled by its real path',
    tree: { '/link': { link: '/real' }, '/real/secret': 'file' },
    entries: ['write /real', 'none /link/secret'],
    rules: ['/real write directory entry', '/real/secret none file entry'],
  },
  {
    behaviour: 'names the link that a carve-out passes inside a writable root, re-based on the canonical root',
    tree: { '/alias': { link: '/ws' }, '/ws/link': { link: '/store' }, '/store/secret': 'file' },
    entries: ['write /alias', 'none /alias/link/secret'],
    rules: ['/ws write directory entry', '/store/secret none file entry', '/ws/link read symlink entry'],
  },
  {
    behaviour: 'gives a link that is itself the carve-out the access of the entry',
    tree: { '/ws/link': { link: '/store' }, '/store': 'dir' },
    entries: ['read :root', 'write /ws', 'none /ws/link'],
    rules: [
      '/ read directory entry',
      '/store none directory entry',
      '/ws write directory entry',
      '/ws/link none symlink entry',
    ],
  },
  {
    behaviour: 'leaves links outside writable roots alone',
    tree: { '/var/run': { link: '/run' }, '/run/secrets': 'dir', '/ws': 'dir' },
    entries: ['read :root', 'write /ws', 'none /var/run/secrets'],
    rules: ['/ read directory entry', '/ws write directory entry', '/run/secrets none directory entry'],
  },
  {
    behaviour: 'lets none beat write where a link makes two spellings one place',
    tree: { '/link': { link: '/real' }, '/real': 'dir' },
    entries: ['write /link', 'none /real'],
    rules: ['/real none directory entry'],
  },
  {
    behaviour: 'keeps a missing carve-out as missing, under its nearest existing directory',
    tree: { '/link': { link: '/ws' }, '/ws': 'dir' },
    entries: ['write /ws', 'none /link/later/.env'],
    rules: ['/ws write directory entry', '/ws/later/.env none missing entry'],
  },
  {
    behaviour: 'adds the existing platform roots and the links to them',
    tree: { '/bin': { link: 'usr/bin' }, '/usr/bin': 'dir', '/etc': 'dir', '/ws': 'dir' },
    entries: ['read :minimal', 'write /ws'],
    rules: [
      '/bin read symlink platform-default',
      '/etc read directory platform-default',
      '/usr read directory platform-default',
      '/ws write directory entry',
    ],
  },
  {
    behaviour: 'does not re-open a denied directory through a platform link into it',
    tree: { '/bin': { link: 'usr/bin' }, '/usr/bin': 'dir' },
    entries: ['read :minimal', 'none /usr'],
    rules: ['/bin read symlink platform-default', '/usr none directory entry'],
  },
  {
    behaviour: 'opens platform roots although the whole disk is denied',
    tree: { '/usr': 'dir' },
    entries: ['read :minimal', 'none :root'],
    rules: ['/ none directory entry', '/usr read directory platform-default'],
  },
  {
    behaviour: 'does not narrow a writable place to a platform root',
    tree: { '/bin': { link: 'usr/bin' }, '/usr/bin': 'dir' },
    entries: ['read :minimal', 'write /usr'],
    rules: ['/bin read symlink platform-default', '/usr write directory entry'],
  },
  {
    behaviour: 'is one rule under full write',
    tree: { '/ws/.git': 'dir' },
    entries: ['write :root', 'read :minimal'],
    rules: ['/ write directory entry'],
  },
]

describe('rules', () => {
  it.each(rows.map(row => [row.behaviour, row] as const))('%s', (_, { entries, tree, around, rules }) => {
    expect(rulesOf(entries, tree, around)).toEqual(rules)
  })

  it('are one writable root for policies that restrict nothing', () => {
    for (const preset of ['danger-full-access', { kind: 'unrestricted' }, { kind: 'external-sandbox' }]) {
      const { rules } = resolvePolicy(parseSandboxPolicy(preset), surroundingsIn({}))
      expect(rules.map(({ path: place, access }) => [place, access])).toEqual([['/', 'write']])
    }
  })
})

describe('protected names that are missing', () => {
  const all = (root: string) => ['.agents', '.codex', '.git'].map(name => `${root}/${name} read`)

  it.each<[string, readonly string[], Tree, Around, readonly string[]]>([
    ['of the working directory', ['write :current_working_directory'], { '/ws': 'dir' }, {}, all('/ws')],
    ['of a project root below it', ['write :project_roots/sub'], { '/ws/sub': 'dir' }, {}, all('/ws/sub')],
    ['of a root that is named by its path', ['write /other'], { '/other': 'dir' }, {}, all('/other')],
    [
      'under the real path of a root',
      ['write /link'],
      { '/link': { link: '/real' }, '/real': 'dir' },
      {},
      all('/real'),
    ],
    [
      'beside those that are there',
      ['write /ws'],
      { '/ws/.git': 'dir', '/ws/.codex': 'file' },
      {},
      ['/ws/.agents read'],
    ],
    [
      'of /tmp when that is the working directory',
      ['write :slash_tmp'],
      { '/tmp': 'dir' },
      { cwd: '/tmp' },
      all('/tmp'),
    ],
    [
      'of TMPDIR when that is named as well',
      ['write :tmpdir', 'write /t'],
      { '/t': 'dir' },
      { tmpdir: '/t' },
      all('/t'),
    ],
  ])('are protected: %s', (_, entries, tree, around, rules) => {
    expect(missingProtections(entries, tree, around)).toEqual(rules)
  })

  it.each<[string, readonly string[], Tree, Around]>([
    ['of /tmp and TMPDIR', ['write :slash_tmp', 'write :tmpdir'], { '/tmp': 'dir', '/t': 'dir' }, { tmpdir: '/t' }],
    ['of a root that is missing', ['write /ws'], {}, {}],
    ['of a root that is a file', ['write /ws'], { '/ws': 'file' }, {}],
    ['of a readable root', ['read /ws'], { '/ws': 'dir' }, {}],
    ['of a root that a deny beats', ['write /ws', 'none /ws'], { '/ws': 'dir' }, {}],
    ['of the whole disk', ['write :root', 'none /x'], { '/x': 'dir', '/ws': 'dir' }, {}],
    ['of a protected directory', ['write /ws/.codex'], { '/ws/.codex': 'dir' }, {}],
    ['of what lies in one', ['write /h/.codex/worktrees/a'], { '/h/.codex/worktrees/a': 'dir' }, {}],
  ])('are not protected: %s', (_, entries, tree, around) => {
    expect(missingProtections(entries, tree, around)).toEqual([])
  })

  it('give way to an entry for exactly their path, whatever it says', () => {
    for (const access of ['write', 'read', 'none']) {
      const rules = resolvedRules(['write /ws', `${access} /ws/.git`], { '/ws': 'dir' })
      const rule = rules.find(({ path: place }) => place === '/ws/.git')
      expect(rule).toMatchObject({ access, target: 'missing', origin: { kind: 'entry' } })
    }
  })
})

describe('what a command would have to create first', () => {
  const tree: Tree = { '/ws/a': 'dir', '/ws/file': 'file', '/ws/dangling': { link: '/nowhere' } }

  it.each([
    ['/ws/later', '/ws/later'],
    ['/ws/later/deep/.env', '/ws/later'],
    ['/ws/a/b/c', '/ws/a/b'],
    ['/ws/file/below', undefined],
    ['/ws/dangling/below', undefined],
    ['/ws/a', undefined],
  ])('for %s is %s', (place, first) => {
    const rules = resolvedRules(['write /ws', `none ${place}`], tree)
    expect(rules.find(rule => rule.path === place)?.firstMissing).toBe(first)
  })
})

describe('enforced access', () => {
  const resolved = resolvePolicy(
    policyOf(['write /ws', 'none /ws/a', 'read /ws/a/b']),
    surroundingsIn({ '/ws/a/b': 'dir' }),
  )

  it.each([
    ['/ws', 'write'],
    ['/ws/x/y', 'write'],
    ['/wsx', 'none'],
    ['/ws/a', 'none'],
    ['/ws/a/b/c', 'read'],
    ['/', 'none'],
  ])('of %s is %s', (place, access) => {
    expect(enforcedAccessOf(resolved, path(place)).access).toBe(access)
  })

  it('names the rule that decides, or none', () => {
    expect(enforcedAccessOf(resolved, path('/ws/a/b/c')).rule?.origin).toEqual({
      kind: 'entry',
      index: 2,
      spelled: '/ws/a/b',
    })
    expect(enforcedAccessOf(resolved, path('/other')).rule).toBeNull()
  })
})

describe('digest', () => {
  const tree: Tree = { '/ws/.git': 'dir', '/x': 'dir' }
  const digest = (entries: readonly string[], around: Around = {}, on = tree) =>
    resolvePolicy(policyOf(entries), surroundingsIn(on, around)).digest
  const base = digest(['read :root', 'write /ws'])

  it('is the same for the same meaning', () => {
    expect(digest(['write /ws', 'read :root', 'read :root'])).toBe(base)
    expect(digest(['read :root', 'write :current_working_directory'])).toBe(base)
  })

  it('tells a root that is written to from one that is not, also where the rules are the same', () => {
    const linked: Tree = { '/ws': 'dir', '/link': { link: '/ws' } }
    const denied = resolvePolicy(policyOf(['read :root', 'none /ws']), surroundingsIn(linked))
    const beaten = resolvePolicy(policyOf(['read :root', 'none /ws', 'write /link']), surroundingsIn(linked))
    const heldBy = ({ rules }: typeof denied) => rules.map(({ path, access, target }) => [path, access, target])
    expect(heldBy(beaten)).toEqual(heldBy(denied))
    expect([denied.writableRoots.length, beaten.writableRoots.length]).toEqual([0, 1])
    expect(beaten.digest).not.toBe(denied.digest)
  })

  it.each([
    ['access', digest(['read :root', 'read /ws'])],
    ['entry', digest(['read :root', 'write /ws', 'none /x'])],
    ['directory', digest(['read :root', 'write /ws'], { cwd: '/x' })],
    ['disk', digest(['read :root', 'write /ws'], {}, { '/ws': 'dir' })],
  ])('differs for another %s', (_, other) => {
    expect(other).not.toBe(base)
  })
})

describe('a policy of many entries', () => {
  it('is resolved and asked in time that grows with its size, not with its square', { timeout: 600_000 }, () => {
    const many = Array.from({ length: 40_000 }, (_, index) => `${['read', 'write', 'none'][index % 3]} /ws/${index}`)
    const started = process.cpuUsage()
    const resolved = resolvePolicy(policyOf(['write /ws', ...many]), surroundingsIn({ '/ws': 'dir' }))
    for (let index = 0; index < 40_000; index++) enforcedAccessOf(resolved, path(`/ws/${index}/x`))
    // And the three protected names, which are missing.
    expect(resolved.rules.length).toBe(40_004)
    // A linear pass over all entries per question would take minutes, also on a machine that does nothing else.
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(60_000)
  })

  it('is converted from the legacy model in such time too, with repeats and protected roots', {
    timeout: 600_000,
  }, () => {
    const policy = parseSandboxPolicy({
      type: 'workspace-write',
      writable_roots: Array.from({ length: 40_000 }, () => '/ws'),
      read_only_access: {
        type: 'restricted',
        readable_roots: Array.from({ length: 40_000 }, (_, index) => `/ws/.git/${index}`),
      },
    })
    const started = process.cpuUsage()
    const resolved = resolvePolicy(policy, surroundingsIn({ '/ws/.git': 'dir' }))
    expect(resolved.rules.filter(rule => rule.access === 'read').length).toBeGreaterThan(40_000)
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(60_000)
  })
})
