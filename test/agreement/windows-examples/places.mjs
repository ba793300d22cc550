/** Paths, what the disk may refuse, and what Windows says to a policy of another system. */
import { virtualFiles } from '../../conformance/virtual-files.mjs'
import { windowsFiles } from '../../conformance/windows-files.mjs'
import { special } from './shared.mjs'

/** What Windows says to a policy of a POSIX disk. */
function outlooks(library, policy) {
  const files = virtualFiles({ dirs: ['/ws', '/data'] })
  const around = { policyCwd: '/ws', processCwd: '/ws', temporaryDirectory: undefined, home: undefined, files }
  const resolved = library.resolvePolicy(library.parseSandboxPolicy(policy), around)
  return library
    .windowsAnswer(resolved)
    .map(({ backend, refusal, limits }) => `${backend} ${refusal?.kind ?? limits.map(({ code }) => code).join(' ')}`)
}

const restricted = { type: 'restricted', include_platform_defaults: false, readable_roots: ['/data'] }

const answers = [
  ['danger-full-access', 'policy-not-sandboxable', 'policy-not-sandboxable'],
  [{ kind: 'restricted', entries: [special('root', 'write')] }, 'policy-not-sandboxable', 'policy-not-sandboxable'],
  [{ type: 'external-sandbox' }, 'policy-not-sandboxable', 'policy-not-sandboxable'],
  ['read-only', 'low-labelled-places read-open network-advisory', 'read-grants-only state-directory-readable'],
  [
    { type: 'workspace-write', network_access: true },
    'delete-via-parent same-user-surrogates read-open',
    'read-grants-only state-directory-readable',
  ],
  [{ type: 'read-only', access: restricted }, 'restricted-read-needs-elevated', 'read-grants-only'],
  [
    {
      kind: 'restricted',
      entries: [special('root', 'read'), { path: { type: 'path', path: '/data' }, access: 'none' }],
    },
    'split-not-round-trippable',
    'split-not-round-trippable',
  ],
  [
    {
      kind: 'restricted',
      entries: [special('root', 'read'), { path: { type: 'path', path: '/data' }, access: 'write' }],
    },
    'split-not-round-trippable',
    'split-not-round-trippable',
  ],
]

/** The plan of an elevated reader whose disk or options are as given. */
function readerPlan(library, { files = {}, options = {}, policy = 'read-only' }) {
  const disk = windowsFiles({ dirs: ['C:\\ws', 'C:\\u\\.codex\\sub', 'C:\\u\\Documents', 'C:\\Windows'] })
  return library.planForWindows({
    ...{ policy, cwd: 'C:\\ws', stateDirectory: 'C:\\u\\.codex', backend: 'elevated', environment: {} },
    ...{ host: { USERPROFILE: 'C:\\u' }, files: { ...disk, ...files }, options },
  })
}

/** What ssh's files refer to when each includes the next one; the file of number 0 is the configuration itself. */
function includedDirectories(library) {
  const files = {}
  const dirs = ['C:\\ws', 'C:\\Windows']
  for (let number = 0; number < 20; number++) {
    const name = number === 0 ? 'config' : `c${number}`
    dirs.push(`C:\\u\\key${number}`)
    files[`C:\\u\\.ssh\\${name}`] = `IdentityFile ~/key${number}/id\nInclude c${number + 1}\n`
  }
  const { plan } = readerPlan(library, { files: windowsFiles({ dirs, files }) })
  return plan.readRoots.filter(path => path.startsWith('C:\\u\\key'))
}

/** The denials of a workspace whose `.git` is a file with this text, on a disk that also has `C:\other`. */
function pointerDenials(library, text) {
  const disk = windowsFiles({ dirs: ['C:\\ws', 'C:\\other\\git', 'C:\\state'], files: { 'C:\\ws\\.git': text } })
  const { plan } = library.planForWindows({
    ...{
      policy: { type: 'workspace-write', writable_roots: ['C:\\other'] },
      cwd: 'C:\\ws',
      stateDirectory: 'C:\\state',
    },
    ...{ backend: 'unelevated', environment: {}, host: {}, files: disk },
  })
  return plan.denyWrite
}

const patterned = {
  kind: 'restricted',
  entries: [special('root', 'read'), { path: { type: 'glob_pattern', pattern: 'C:\\ws\\*.env' }, access: 'none' }],
}

export function placeExamples(add, library) {
  add(
    'paths that are none',
    () =>
      [
        'x',
        'C:x',
        '\\\\?\\pipe',
        'C:\\a:b',
        'C:\\a*',
        'C:\\...',
        'C:\\CON',
        'C:\\com\u00b9.x',
        'C:\\lpt9 ',
        '\\\\s|\\x\\y',
        '\\\\:s\\x\\y',
        'C:\\a\x1f',
      ].map(given => library.readWindowsPath(given).flaw),
    [
      'relative',
      'relative',
      'device',
      'alternate-stream',
      'bad-name',
      'bad-name',
      'device',
      'device',
      'device',
      'bad-name',
      'bad-name',
      'bad-name',
    ],
  )
  add(
    'paths that look like some',
    () =>
      ['c:/console', 'C:\\com', '\\\\?\\unc\\S\\h\\X', 'C:\\a\\..\\..'].map(
        given => library.readWindowsPath(given).path,
      ),
    ['C:\\console', 'C:\\com', '\\\\S\\h\\X', 'C:\\'],
  )
  add('what is above', () => ['C:\\a\\b', 'C:\\a', 'C:\\', '\\\\s\\h\\x', '\\\\s\\h'].map(library.windowsParent), [
    'C:\\a',
    'C:\\',
    null,
    '\\\\s\\h',
    null,
  ])
  add('names', () => ['C:\\a\\b', 'C:\\', '\\\\s\\h'].map(library.windowsBaseName), ['b', 'C:\\', '\\\\s\\h'])
  add('no Windows place', () => ['/', '/tmp', '/unc:', '/unc:/s', '/c:', '/unc:/s/h'].map(library.windowsPathOf), [
    null,
    null,
    null,
    null,
    'C:\\',
    '\\\\s\\h',
  ])
  for (const [policy, unelevated, elevated] of answers) {
    add(`what Windows says to ${JSON.stringify(policy)}`, () => outlooks(library, policy), [
      `unelevated ${unelevated}`,
      `elevated ${elevated}`,
    ])
  }
  for (const [readable, places] of [
    [true, ['C:\\u\\.codex\\.sandbox-bin', 'C:\\Windows', 'C:\\u\\.codex', 'C:\\u\\Documents', 'C:\\ws']],
    [false, ['C:\\u\\.codex\\.sandbox-bin', 'C:\\Windows', 'C:\\u\\Documents', 'C:\\ws']],
  ]) {
    add(
      `the state directory is read: ${readable}`,
      () => readerPlan(library, { options: { stateDirectoryReadable: readable } }).plan.readRoots,
      places,
    )
  }
  add('ssh is followed as deep as it goes itself', () => includedDirectories(library), [
    ...['C:\\u\\key17', 'C:\\u\\key18', 'C:\\u\\key19'],
  ])
  add(
    'a pointer file is read up to the size that git reads',
    () =>
      [1 << 20, (1 << 20) + 1].map(size => {
        const text = 'gitdir: C:\\other\\git\n'
        return pointerDenials(library, text + '\n'.repeat(size - text.length))
      }),
    [['C:\\ws\\.git', 'C:\\other\\git'], ['C:\\ws\\.git']],
  )
  add(
    'a directory that cannot be listed refuses a pattern',
    () => {
      const options = { splitSupport: 'carve-outs' }
      return readerPlan(library, { policy: patterned, options, files: { list: () => null } }).refusal.kind
    },
    'deny-read-unsupported',
  )
  add(
    'more matches than can be closed refuse a pattern',
    () => {
      const list = path => (path === 'C:\\ws' ? Array.from({ length: 8193 }, (_, at) => `${at}.env`) : [])
      return readerPlan(library, { policy: patterned, options: { splitSupport: 'carve-outs' }, files: { list } })
        .refusal.kind
    },
    'deny-read-unsupported',
  )
  add(
    'a state directory that is no path',
    () =>
      library.planForWindows({
        ...{ policy: 'read-only', cwd: 'C:\\ws', stateDirectory: 'x', backend: 'elevated', environment: {}, host: {} },
        files: windowsFiles({ dirs: ['C:\\ws'] }),
      }).refusal.kind,
    'setup-required',
  )
  add(
    'a refusal as every engine gives it',
    () =>
      ['invalid-cwd', 'setup-required'].map(kind =>
        library.refusalOfWindows(
          library.windowsRefusal(kind, 'm', kind === 'invalid-cwd' ? { entry: 'e' } : { hint: 'h' }),
        ),
      ),
    [
      { kind: 'not-enforceable', mechanism: 'windows invalid-cwd', message: 'm', entry: 'e' },
      { kind: 'unavailable', mechanism: 'windows setup-required', message: 'm', hint: 'h' },
    ],
  )
  add('a share as the policy layer asks about it', () => {
    const view = library.policyView(windowsFiles({ dirs: ['\\\\s\\h\\x'] }))
    return ['/', '/unc:', '/unc:/s', '/unc:/s/h/x', '/unc:/s/h/y', '/tmp', '/d:'].map(path =>
      [view.kindOf(path), view.targetKindOf(path), view.realPath(path), view.readText(path, 9)].join(),
    )
  }, [
    'directory,directory,/,',
    'directory,directory,/unc:,',
    'directory,directory,/unc:/s,',
    'directory,directory,/unc:/s/h/x,',
    'missing,missing,,',
    'missing,missing,,',
    'missing,missing,,',
  ])
}
