/** What entries of a policy and the disk they speak of make of a plan, and what is told of a policy that cannot be read. */
import { windowsFiles } from '../../conformance/windows-files.mjs'
import { special } from './shared.mjs'

const entry = (path, access, change = {}) => ({ path: { type: 'path', path }, access, ...change })
const everything = special('root', 'read')
const workspace = special('current_working_directory', 'write')

function planned(library, entries, { disk = {}, ...change } = {}) {
  const { dirs = [], ...others } = disk
  const files = windowsFiles({ dirs: ['C:\\ws', 'C:\\data', 'C:\\state', 'C:\\Windows', ...dirs], ...others })
  return library.planForWindows({
    ...{ policy: { file_system: { kind: 'restricted', entries }, network: 'restricted' }, cwd: 'C:\\ws', files },
    ...{ stateDirectory: 'C:\\state', backend: 'unelevated', environment: {}, host: {} },
    ...{ options: { splitSupport: 'carve-outs' }, ...change },
  })
}

const missingIn = ({ plan }) => plan.limits.filter(({ code }) => code === 'missing-metadata').map(({ path }) => path)

/** The places that an elevated reader is given in the profile `C:\u`. */
function profileReads(library, disk) {
  const { plan } = planned(library, [everything], { backend: 'elevated', host: { USERPROFILE: 'C:\\u' }, disk })
  return plan.readRoots.filter(path => path.startsWith('C:\\u\\'))
}

function readingOf(library, policy) {
  try {
    library.parseWindowsPolicy(policy, 'C:\\ws')
    return 'read'
  } catch ({ message }) {
    return message.replace(/^cannot read .*? at /, '')
  }
}

const withPath = path => ({ kind: 'restricted', entries: [{ path, access: 'read' }] })

function gateExamples(add, library) {
  add(
    'without elevation, writing is a workspace and what is beside it, and every root of it',
    () =>
      [
        [everything, workspace, entry('C:\\data', 'write')],
        [everything, entry('C:\\ws', 'write'), entry('C:\\data', 'write')],
        [everything],
        [everything, entry('C:\\data', 'write')],
        [special('root', 'write'), entry('C:\\data', 'read')],
      ]
        .map(entries => planned(library, entries))
        .map(({ plan, refusal }) => plan?.allowWrite ?? refusal.kind),
    [
      ...[['C:\\data', 'C:\\ws'], ['C:\\data', 'C:\\ws'], []],
      ...['split-writable-roots-mismatch', 'split-writable-roots-mismatch'],
    ],
  )
  add('a root that may be skipped, and is not there, is none', () => {
    const entries = [everything, workspace, entry('C:\\ws\\none', 'write', { missing_path_behavior: 'skip' })]
    return planned(library, entries).plan?.allowWrite
  }, ['C:\\ws'])
}

function readingExamples(add, library) {
  const rootsOf = (entries, change) => planned(library, entries, { backend: 'elevated', ...change }).plan.readRoots
  const helper = 'C:\\state\\.sandbox-bin'
  add('what is named for reading is read where it is, not by the name of a link to it', () => {
    return rootsOf([entry('C:\\lnk', 'read')], { disk: { symlinks: { 'C:\\lnk': 'C:\\data' } } })
  }, [helper, 'C:\\data'])
  add('what may not be opened for writing is not opened for reading in its place', () => {
    return rootsOf([workspace, entry('C:\\state', 'write')])
  }, [helper])
  add('a policy that reads everything gives no whole volume, whatever it names', () => {
    return rootsOf([everything, entry('C:\\', 'read'), entry('C:\\data', 'read')])
  }, [helper, 'C:\\Windows', 'C:\\ws', 'C:\\data'])
}

function refusalExamples(add, library) {
  add(
    'a root that is too broad is named as the policy names it',
    () =>
      [
        [special('root', 'write'), entry('C:\\data', 'read')],
        [workspace, entry('C:\\Windows', 'write')],
      ].map(entries => planned(library, entries, { backend: 'elevated' }).refusal.entry),
    [':root', 'C:\\Windows'],
  )
  add('what is read in a writable root is read by the grant of the root', () => {
    const entries = [workspace, entry('C:\\ws\\a', 'read'), entry('C:\\data', 'read')]
    return planned(library, entries, { backend: 'elevated', disk: { dirs: ['C:\\ws\\a'] } }).plan.readRoots
  }, ['C:\\state\\.sandbox-bin', 'C:\\data'])
  add(
    'a policy that only wants to write, and cannot, is told what was left out and why',
    () =>
      [special('tmpdir', 'write'), entry('C:\\None\\Deep', 'write')].map(wanted => {
        const { refusal } = planned(library, [everything, wanted], { backend: 'elevated' })
        return [refusal.kind, refusal.message.replace(/^.*can be opened/, '')]
      }),
    [
      ['no-writable-root', ''],
      ['no-writable-root', ': C:\\None\\Deep (nothing is there)'],
    ],
  )
  add(
    'what is closed in a temporary directory has no legacy form',
    () => {
      const entries = [everything, workspace, special('tmpdir', 'write'), entry('C:\\t\\x', 'read')]
      const change = { host: { TEMP: 'C:\\t' }, disk: { dirs: ['C:\\t\\x'] }, options: { splitSupport: 'round-trip' } }
      return planned(library, entries, change).refusal?.kind
    },
    'split-not-round-trippable',
  )
  add(
    'commands are told when they have no network',
    () =>
      ['restricted', 'enabled'].map(network => {
        const policy = { file_system: { kind: 'restricted', entries: [everything] }, network }
        return planned(library, [], { policy }).plan.environment
      }),
    [{ CODEX_SANDBOX_NETWORK_DISABLED: '1' }, {}],
  )
}

function metadataExamples(add, library) {
  add('a protected name that an entry speaks of is not told as missing', () => {
    const git = entry('C:\\ws\\.git', 'read')
    return [
      missingIn(planned(library, [everything, workspace, git])),
      missingIn(planned(library, [everything, workspace])),
    ]
  }, [
    ['C:\\ws\\.agents', 'C:\\ws\\.codex'],
    ['C:\\ws\\.git', 'C:\\ws\\.agents', 'C:\\ws\\.codex'],
  ])
  for (const [access, denied] of [
    ['write', []],
    [undefined, ['C:\\ws\\.git', 'C:\\ws\\g']],
  ]) {
    add(
      `where a pointer file leads is ${access === undefined ? 'closed' : 'open, where an entry opens the file'}`,
      () => {
        const disk = { dirs: ['C:\\ws\\g'], files: { 'C:\\ws\\.git': 'gitdir: C:\\ws\\g\n' } }
        const entries = access === undefined ? [] : [entry('C:\\ws\\.git', access)]
        return planned(library, [everything, workspace, ...entries], { disk }).plan.denyWrite
      },
      denied,
    )
    add(
      `a link at a protected name is ${access === undefined ? 'held' : 'let go, where an entry opens it'}`,
      () => {
        const disk = { symlinks: { 'C:\\ws\\.git': 'C:\\data' } }
        const entries = access === undefined ? [] : [entry('C:\\ws\\.git', access)]
        return planned(library, [everything, workspace, ...entries], { disk, backend: 'elevated' }).plan.pins
      },
      access === undefined ? ['C:\\ws\\.git'] : [],
    )
  }
}

function pointerExamples(add, library) {
  const disk = { dirs: ['C:\\ws\\g'], files: { 'C:\\ws\\.git': 'gitdir: C:\\ws\\g\n' } }
  add(
    'where a pointer file leads is open, where an entry opens that',
    () => planned(library, [everything, workspace, entry('C:\\ws\\g', 'write')], { disk }).plan.denyWrite,
    ['C:\\ws\\.git'],
  )
  add('a pointer file that leads to no place is closed by itself', () => {
    const dirs = ['C:\\ws\\data']
    return ['C:x', '\\data', '/data'].flatMap(target => {
      const files = { 'C:\\ws\\.git': `gitdir: ${target}\n` }
      return planned(library, [everything, workspace], { disk: { dirs, files } }).plan.denyWrite
    })
  }, ['C:\\ws\\.git', 'C:\\ws\\.git', 'C:\\ws\\.git'])
  add('a workspace that is a temporary directory too has its metadata closed', () => {
    const host = { TEMP: 'C:\\ws', TMP: 'C:\\data' }
    const dirs = ['C:\\ws\\.git', 'C:\\data\\.git']
    return planned(library, [everything, workspace, special('tmpdir', 'write')], { disk: { dirs }, host }).plan
      .denyWrite
  }, ['C:\\ws\\.git'])
}

function credentialExamples(add, library) {
  add(
    'the configuration of ssh is read up to a size',
    () =>
      [1 << 20, (1 << 20) + 1].map(size => {
        const text = 'IdentityFile ~/keys/id\n'
        const files = { 'C:\\u\\.ssh\\config': text + '\n'.repeat(size - text.length) }
        return profileReads(library, { dirs: ['C:\\u\\keys'], files })
      }),
    [[], ['C:\\u\\keys']],
  )
  add('nothing of a profile is opened to which a credential directory leads', () => {
    return profileReads(library, { dirs: ['C:\\u\\open'], symlinks: { 'C:\\u\\.aws': 'C:\\u' } })
  }, [])
  add('only what ssh includes is read as its configuration', () => {
    const files = {
      'C:\\u\\.ssh\\config': 'IdentityFile ~/keys/id\nInclude ~/more/hosts\n',
      'C:\\u\\keys\\id': 'IdentityFile ~/Documents/id\n',
      'C:\\u\\more\\hosts': 'IdentityFile ~/other/id\n',
    }
    return profileReads(library, { dirs: ['C:\\u\\Documents', 'C:\\u\\other', 'C:\\u\\open'], files })
  }, ['C:\\u\\Documents', 'C:\\u\\open'])
  add('where a credential directory leads is never opened', () => {
    const disk = { dirs: ['C:\\u\\vault\\keys'], symlinks: { 'C:\\u\\.aws': 'C:\\u\\vault' } }
    const host = { USERPROFILE: 'C:\\u' }
    const entries = [everything, workspace, entry('C:\\u\\vault\\keys', 'write')]
    return [profileReads(library, disk), planned(library, entries, { disk, host }).plan.allowWrite]
  }, [[], ['C:\\ws']])
}

export function entryExamples(add, library) {
  gateExamples(add, library)
  readingExamples(add, library)
  refusalExamples(add, library)
  metadataExamples(add, library)
  pointerExamples(add, library)
  credentialExamples(add, library)
  for (const [policy, told] of [
    [{ type: 'read-only', access: 'everything' }, 'access: found "everything", accepted is an object'],
    [{ type: 'read-only', access: null }, 'access: found null, accepted is an object'],
    [withPath(null), 'entries[0].path: found null, accepted is an object'],
    [withPath({ type: 'glob_pattern', pattern: 7 }), 'entries[0].path.pattern: found 7, accepted is a string'],
    [{ fileSystem: withPath({ type: 'path', path: 'C:\\ws\\a' }), network: 'restricted' }, 'read'],
    [withPath({ type: 'special', value: null }), 'entries[0].path.value: found null, accepted is an object'],
    [withPath({ type: 'special', value: 'root' }), 'entries[0].path.value: found "root", accepted is an object'],
    [withPath({ type: 'special', value: { kind: 'unknown', path: ':x', subpath: 'C:x' } }), 'read'],
    [
      withPath({ type: 'special', value: { kind: 'project_roots', subpath: 'C:x' } }),
      'entries[0].path.value.subpath: found "C:x", it is no path below the working directory',
    ],
  ])
    add(`what is told of ${JSON.stringify(policy)}`, () => readingOf(library, policy), told)
}
