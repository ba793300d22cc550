/**
 * Questions to the Windows decisions that no case format asks, each with its one answer. Used by the tests, and by the script that
 * makes mistakes on purpose.
 */
import { virtualFiles } from '../conformance/virtual-files.mjs'
import { windowsFiles } from '../conformance/windows-files.mjs'

const bytes = (...list) => Uint8Array.from(list)
const text = value => new TextEncoder().encode(value)

function codeOf(act) {
  try {
    return { made: act() }
  } catch (error) {
    return error.option ?? error.code ?? error.name
  }
}

const owner = { pid: 4, started: '1' }
const grant = { type: 'allow', sid: 'S-1-5-21-1-2-3-4', mask: 1, inherited: true }
const planned = {
  ...{ version: 1, id: 'a', path: 'C:\\a', file: 'f', volume: 'v', ace: grant, before: null, persistent: false, owner },
  state: 'planned',
}
const lines = (...list) => list.map(line => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')
const { version: _version, ...entry } = planned
const other = { ...entry, id: 'b', state: 'applied' }

function planOf(library, policy = 'workspace-write', backend = 'elevated', options = {}) {
  const { plan } = library.planForWindows({
    policy,
    cwd: 'C:\\ws',
    stateDirectory: 'C:\\state',
    backend,
    environment: {},
    host: { TEMP: 'C:\\t' },
    files: {
      ...windowsFiles({ dirs: ['C:\\ws\\.git', 'C:\\t', 'C:\\state', 'C:\\Windows', 'C:\\Program Files'] }),
      keepsAcls: path => path !== 'C:\\t',
    },
    options,
  })
  return plan
}

const payloadQuestion = plan => ({
  ...{ plan, mode: 'full', stateDirectory: 'C:\\state', proxyPorts: [1, 65_535], localBinding: true, realUser: 'u' },
})

/** The payload with one member changed, or without it. */
function changedPayload(library, change) {
  const payload = { ...library.makeSetupPayload(payloadQuestion(planOf(library))), ...change }
  return library.readSetupPayload(library.encodeSetupPayload(payload))
}

const wrongPayloads = [
  ...[
    { version: 4 },
    { mode: 'all' },
    { extra: 1 },
    { real_user: '' },
    { offline_username: 1 },
    { online_username: null },
  ],
  ...[
    { state_directory: 'C:\\state\\' },
    { state_directory: 'x' },
    { command_cwd: undefined },
    { command_cwd: 'C:/ws' },
  ],
  ...[{ read_roots: 'C:\\ws' }, { write_roots: ['x'] }, { deny_read_paths: undefined }, { deny_write_paths: [1] }],
  ...[{ proxy_ports: [0] }, { proxy_ports: [65_536] }, { proxy_ports: [1.5] }, { proxy_ports: 1 }],
  ...[{ allow_local_binding: 'yes' }, { allow_local_binding: undefined }],
]

const tokenReport = { restricted: true, restrictingSids: ['readonly', 'logon'], privileges: [], integrity: 'low' }
const differences = (library, change) =>
  library.tokenDifferences(
    library.makeTokenPlan({ capabilities: ['readonly'], backend: 'unelevated', writes: false, everyone: false }),
    principal => principal,
    { ...tokenReport, ...change },
  )

const message = (library, given) => library.readRunnerMessage({ version: 1, ...given })
const after = (library, state, given) =>
  library.afterRunnerMessage(state, given === null ? null : message(library, given))
const ready = { type: 'spawn_ready', pid: 1 }
const exited = { type: 'exit', code: 0xffff_ffff }
const failure = { type: 'error', stage: 'token', win32: 5, message: 'm' }
const output = { type: 'output', stream: 'stdout', bytes: 'AP8=' }

const wrongMessages = [
  ...[
    { ...ready, version: 2 },
    { ...ready, pid: 0 },
    { ...ready, pid: 2 ** 32 },
    { ...ready, pid: 1.5 },
    { type: 'spawn' },
  ],
  ...[
    { ...output, stream: 'other' },
    { ...output, bytes: 'A' },
    { ...output, bytes: 1 },
    { ...output, bytes: 'AP8' },
  ],
  ...[{ ...exited, code: -1 }, { ...exited, code: 2 ** 32 }, { type: 'exit' }],
  ...[
    { ...failure, stage: 1 },
    { ...failure, win32: -5 },
    { ...failure, message: null },
  ],
]

const sids = { a: 'S-1-5-21-1-2-3-4', b: 'S-1-5-21-0-4294967295-3-5' }
const store = (version, given) => JSON.stringify({ version, sids: given })
const wrongStores = [
  ...['', '[]', 'null', '{"version":1}', '{"version":1,"sids":[]}', '{"version":1,"sids":null}', store(2, sids)],
  ...[
    store(1, { a: sids.a, b: sids.a }),
    store(1, { a: 1 }),
    store(1, { a: 'S-1-5-21-1-2-3' }),
    store(1, { a: 'S-1-1-0' }),
  ],
  ...[store(1, { a: 'S-1-5-21-1-2-3-4294967296' }), store(1, { a: 'S-1-5-21-4294967296-2-3-4' })],
  ...[store(1, { a: 'S-1-5-21-01-2-3-4' }), store(1, { a: 'S-1-5-21-1-2-3-4-5' })],
]

function storeExample(library) {
  const numbers = [1, 1, 2, 3]
  const random = () => new Uint8Array(16).fill(numbers.shift())
  const first = library.withRoles(library.emptyCapabilityStore, ['readonly'], random)
  const second = library.withRoles(first, ['readonly', 'workspace'], random)
  return [first.sids, second.sids, second.version, library.readCapabilityStore(JSON.stringify(second)).sids]
}

const ones = `S-1-5-21${'-16843009'.repeat(4)}`
const twos = `S-1-5-21${'-33686018'.repeat(4)}`

const deny = (sid, mask, inherited = true) => ({ type: 'deny', sid, mask, inherited })
const allow = (sid, mask, inherited = true) => ({ type: 'allow', sid, mask, inherited })

/** Who may do what to `C:\a\b` under lists of the disk, of `C:\a`, and its own. */
function may(library, lists, rights, { closed = [], restricting = ['c'] } = {}) {
  const own = new Map(Object.entries(lists))
  const token = { principals: new Set(['u', 'c']), restricting: new Set(restricting) }
  return library.tokenMay({ own, protected: new Set(closed) }, token, 'C:\\a\\b', rights)
}

function mayDelete(library, lists) {
  const token = { principals: new Set(['u']), restricting: new Set(['c']) }
  return library.tokenMayDelete({ own: new Map(Object.entries(lists)), protected: new Set() }, token, 'C:\\a\\b')
}

const sight = { exists: true, present: true, ownerAlive: false }
const step = (library, change, seen, others) =>
  library.recoveryStep({ ...entry, ...change }, { ...sight, ...seen }, others)

const decoded = (library, ...chunks) => {
  const decoder = new library.FrameDecoder()
  return [chunks.flatMap(chunk => decoder.push(chunk)), decoder.unfinished]
}

/** What Windows says to a policy of a POSIX disk. */
function outlooks(library, policy) {
  const files = virtualFiles({ dirs: ['/ws', '/data'] })
  const around = { policyCwd: '/ws', processCwd: '/ws', temporaryDirectory: undefined, home: undefined, files }
  const resolved = library.resolvePolicy(library.parseSandboxPolicy(policy), around)
  return library
    .windowsAnswer(resolved)
    .map(({ backend, refusal, limits }) => `${backend} ${refusal?.kind ?? limits.map(({ code }) => code).join(' ')}`)
}

const special = (kind, access) => ({ path: { type: 'special', value: { kind } }, access })
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

const patterned = {
  kind: 'restricted',
  entries: [special('root', 'read'), { path: { type: 'glob_pattern', pattern: 'C:\\ws\\*.env' }, access: 'none' }],
}

/** Who writes when the token has the words that no role has. */
function viewOf(library, everyone) {
  const plan = planOf(library, 'workspace-write', 'elevated', { everyone })
  const open = [{ type: 'allow', sid: 'world', mask: 0x1f01ff, inherited: true }]
  const view = library.makeAclView({
    plan,
    tree: { own: new Map([['c:/', open]]), protected: new Set() },
    principals: ['world', 'me'],
    sidOfPrincipal: principal => ({ everyone: 'world', account: 'me', logon: 'session' })[principal],
    sidOfRole: role => `sid:${role}`,
  })
  return [view.accessOf('C:\\x'), view.mayDelete('C:\\x'), view.mayChangeList('C:\\x'), view.accessOf('C:\\ws\\x')]
}

const tokenQuestion = { capabilities: ['cwd:c:/ws'], backend: 'elevated', writes: true, everyone: true }

/** `[name, answer, expected]`. */
export function examplesOf(library) {
  const rows = []
  const add = (name, ask, expected) => rows.push([name, ask, expected])
  add('a payload is read back', () => changedPayload(library, {}), {
    ...{ version: 5, mode: 'full', offline_username: 'CastellanOffline', online_username: 'CastellanOnline' },
    ...{ state_directory: 'C:\\state', command_cwd: 'C:\\ws', real_user: 'u' },
    ...{ write_roots: ['C:\\t', 'C:\\ws'], deny_read_paths: [], deny_write_paths: ['C:\\ws\\.git'] },
    read_roots: ['C:\\state\\.sandbox-bin', 'C:\\Windows', 'C:\\Program Files'],
    ...{ proxy_ports: [1, 65_535], allow_local_binding: true },
  })
  for (const wrong of wrongPayloads) {
    add(
      `a payload is refused with ${JSON.stringify(wrong)} ${Object.keys(wrong)}`,
      () => changedPayload(library, wrong),
      null,
    )
  }
  add(
    'no payload is read from other texts',
    () => ['', '%', 'W10=', 'bnVsbA==', '/w=='].map(library.readSetupPayload),
    Array(5).fill(null),
  )
  add(
    'each plan has its account',
    () => [
      library.accountOf(planOf(library)),
      library.accountOf(planOf(library, { type: 'read-only', network_access: true })),
      library.accountOf(planOf(library, 'read-only', 'unelevated')),
    ],
    ['CastellanOffline', 'CastellanOnline', null],
  )
  add(
    'volumes without access lists are told',
    () => planOf(library).limits.flatMap(({ code, path }) => (code === 'no-acl-volume' ? path : [])),
    ['C:\\t'],
  )
  add(
    'everyone in the token is told',
    () =>
      planOf(library, 'read-only', 'unelevated', { everyone: true })
        .limits.map(({ code }) => code)
        .includes('everyone-writable'),
    true,
  )
  add(
    'the state directory may be left out',
    () => planOf(library, 'read-only', 'elevated', { stateDirectoryReadable: false }).limits.map(({ code }) => code),
    ['read-grants-only'],
  )
  add(
    'rights of each kind of entry',
    () => planOf(library).accessEntries.map(({ path, kind, mask, inherited }) => [path, kind, mask, inherited]),
    [
      ['C:\\ws\\.git', 'deny', 0xd0156, true],
      ['C:\\t', 'allow', 0x1301bf, true],
      ['C:\\ws', 'allow', 0x1301bf, true],
      ['C:\\state\\.sandbox-bin', 'read', 0x1200a9, true],
      ['C:\\Windows', 'read', 0x1200a9, true],
      ['C:\\Program Files', 'read', 0x1200a9, true],
    ],
  )
  add(
    'rights of a denial of reading and of a pin',
    () => [library.accessMasks['deny-read'], library.accessMasks.pin, library.isInherited('pin')],
    [0x1200a9, 0xd0100, false],
  )
  add(
    'only grants of reading depend on what everyone may',
    () => [
      ...new Set(
        library
          .aclOperations(planOf(library), role => role)
          .map(({ ace, onlyWhenUnreadable }) => `${ace.type} ${ace.mask} ${onlyWhenUnreadable}`),
      ),
    ],
    [`deny ${0xd0156} false`, `allow ${0x1301bf} false`, `allow ${0x1200a9} true`],
  )
  add(
    'a role without an identifier stops everything',
    () => codeOf(() => library.aclOperations(planOf(library), () => undefined)),
    'ERR_INTERNAL',
  )

  add('a token', () => library.makeTokenPlan(tokenQuestion), {
    ...{
      flags: 13,
      restricting: ['cwd:c:/ws', 'account', 'logon', 'everyone'],
      defaultDacl: ['logon', 'everyone', 'cwd:c:/ws'],
    },
    ...{ integrity: 'medium', privileges: ['SeChangeNotifyPrivilege'] },
  })
  add('a token as planned', () => differences(library, { privileges: ['SeChangeNotifyPrivilege'] }), [])
  add('a token that is not restricted', () => differences(library, { restricted: false }), [{ kind: 'not-restricted' }])
  add('a token with too little in it', () => differences(library, { restrictingSids: ['logon'] }), [
    { kind: 'missing-sid', principal: 'readonly' },
  ])
  add(
    'a token with too much in it',
    () => differences(library, { restrictingSids: ['readonly', 'logon', 'x'], privileges: ['SeDebugPrivilege'] }),
    [
      { kind: 'extra-sid', sid: 'x' },
      { kind: 'extra-privilege', privilege: 'SeDebugPrivilege' },
    ],
  )
  add('a token with another label', () => differences(library, { integrity: 'medium' }), [
    { kind: 'integrity', expected: 'low', found: 'medium' },
  ])

  add('messages of the runner', () => [ready, output, exited, failure].map(given => message(library, given)), [
    { ...ready, version: 1 },
    { ...output, bytes: bytes(0, 255), version: 1 },
    { ...exited, version: 1 },
    { ...failure, version: 1 },
  ])
  add(
    'bytes travel as base64',
    () => library.messageObject({ type: 'output', version: 1, stream: 'stdout', bytes: bytes(0, 255) }),
    { ...output, version: 1 },
  )
  add('other members travel as they are', () => library.messageObject({ type: 'terminate', version: 1 }), {
    type: 'terminate',
    version: 1,
  })
  for (const wrong of wrongMessages) add(`no message: ${JSON.stringify(wrong)}`, () => message(library, wrong), null)
  for (const [state, given, next] of [
    ['starting', ready, 'running'],
    ['starting', output, 'broken'],
    ['starting', exited, 'broken'],
    ['starting', failure, 'ended'],
    ['running', output, 'running'],
    ['running', exited, 'ended'],
    ['running', failure, 'ended'],
    ['running', ready, 'broken'],
    ['ended', output, 'broken'],
    ['broken', failure, 'broken'],
    ['ended', failure, 'broken'],
    ['running', null, 'broken'],
  ])
    add(`a conversation that is ${state}, after ${given?.type}`, () => after(library, state, given), next)

  add('capabilities are kept, and no two are one', () => storeExample(library), [
    { readonly: ones },
    { readonly: ones, workspace: twos },
    1,
    { readonly: ones, workspace: twos },
  ])
  add(
    'bytes of a capability',
    () => library.sidFromBytes(bytes(1, 0, 0, 0, 255, 255, 255, 255, 0, 1, 0, 0, 0, 0, 0, 0)),
    'S-1-5-21-1-4294967295-256-0',
  )
  add(
    'a capability takes all its bytes',
    () => [15, 17].map(size => codeOf(() => library.sidFromBytes(new Uint8Array(size)))),
    ['RangeError', 'RangeError'],
  )
  add('bytes in the middle of others', () => library.sidFromBytes(new Uint8Array(20).fill(1).subarray(4)), ones)
  for (const wrong of wrongStores) add(`no store: ${wrong}`, () => library.readCapabilityStore(wrong), null)
  add('a store', () => library.readCapabilityStore(store(1, sids)), { version: 1, sids })

  add(
    'a journal that goes its way',
    () =>
      library.readJournal(
        lines(planned, { version: 1, id: 'a', state: 'applied' }, { version: 1, id: 'a', state: 'revoked' }),
      ),
    { entries: [{ ...entry, state: 'revoked' }] },
  )
  add(
    'a plan that was given up',
    () => library.readJournal(lines(planned, { version: 1, id: 'a', state: 'revoked' })),
    { entries: [{ ...entry, state: 'revoked' }] },
  )
  add('an entry that replaced another', () => library.readJournal(lines({ ...planned, before: grant })), {
    entries: [{ ...entry, before: grant }],
  })
  for (const [name, journal] of [
    [
      'twice applied',
      lines(planned, { version: 1, id: 'a', state: 'applied' }, { version: 1, id: 'a', state: 'applied' }),
    ],
    [
      'applied again after it was revoked',
      lines(planned, { version: 1, id: 'a', state: 'revoked' }, { version: 1, id: 'a', state: 'applied' }),
    ],
    ['twice planned', lines(planned, planned)],
    ['about no entry', lines({ version: 1, id: 'a', state: 'applied' })],
    ['about no name', lines(planned, { version: 1, state: 'applied' })],
    ['of another state', lines(planned, { version: 1, id: 'a', state: 'gone' })],
    ['of another version', lines({ ...planned, version: 2 })],
    ['that is no JSON', lines('{')],
    ['that is a list', lines('[]')],
    ['that is nothing', lines('null')],
    ...['id', 'path', 'file', 'volume', 'ace', 'before', 'persistent', 'owner'].map(name => [
      `without ${name}`,
      lines({ ...planned, [name]: undefined }),
    ]),
    ...['id', 'path', 'file', 'volume'].map(name => [`with an empty ${name}`, lines({ ...planned, [name]: '' })]),
    ...[{ type: 'x' }, { sid: 1 }, { mask: 0.5 }, { inherited: 1 }].map(change => [
      `with ${JSON.stringify(change)}`,
      lines({ ...planned, ace: { ...grant, ...change } }),
    ]),
    ...[{ pid: 'x' }, { started: 1 }].map(change => [
      `with ${JSON.stringify(change)}`,
      lines({ ...planned, owner: { ...owner, ...change } }),
    ]),
  ])
    add(`a journal with a line ${name}`, () => typeof library.readJournal(journal).flaw, 'string')
  add('the line of a flaw is told', () => library.readJournal(lines(planned, '{')).flaw.slice(0, 7), 'line 2:')
  add(
    'an entry that somebody alive shares is only marked',
    () => step(library, {}, {}, [{ entry: other, ownerAlive: true }]),
    'mark-revoked',
  )
  for (const [name, change, ownerAlive] of [
    ['nobody alive', {}, false],
    ['who gave it up', { state: 'revoked' }, true],
    ['on another object', { file: 'x' }, true],
    ['on another volume', { volume: 'x' }, true],
    ['for another', { ace: { ...grant, sid: 'x' } }, true],
    ['of another type', { ace: { ...grant, type: 'deny' } }, true],
  ])
    add(
      `an entry that is shared with one ${name} is taken off`,
      () => step(library, {}, {}, [{ entry: { ...other, ...change }, ownerAlive }]),
      'revoke',
    )
  add(
    'what is cleaned up, newest first',
    () =>
      library
        .cleanupOrder(
          [
            entry,
            other,
            { ...entry, state: 'revoked' },
            { ...entry, ace: { ...grant, sid: 'S-1-1-0' } },
            { ...entry, id: 'g', ace: { ...grant, sid: 'group' } },
          ],
          'group',
        )
        .map(({ id }) => id),
    ['g', 'b', 'a'],
  )

  add('the steps of a setup, marker last and rules before', () => library.stepsOf('full'), [
    ...[
      'check-elevation',
      'make-directories',
      'empty-marker',
      'make-group',
      'make-accounts',
      'protect-secrets',
      'write-users',
      'hide-accounts',
    ],
    ...[
      'add-firewall-rules',
      'verify-firewall-rules',
      'deny-access',
      'grant-writing',
      'grant-reading',
      'lock-directories',
      'fill-marker',
    ],
  ])
  add('a refresh changes lists only', () => library.stepsOf('refresh'), [
    'deny-access',
    'grant-writing',
    'grant-reading',
  ])
  add('accounts alone', () => library.stepsOf('provision-only').slice(9), [
    'verify-firewall-rules',
    'lock-directories',
    'fill-marker',
  ])
  add(
    'a failed step has its word',
    () => library.advanceSetup(library.beginSetup('full'), { kind: 'failed', step: 'check-elevation' }),
    {
      ...{ phase: 'failed', mode: 'full', step: 'check-elevation', code: 'orchestrator_elevation_required' },
    },
  )
  add(
    'or says its own',
    () =>
      library.advanceSetup(library.beginSetup('full'), {
        kind: 'failed',
        step: 'check-elevation',
        code: 'helper_log_failed',
      }).code,
    'helper_log_failed',
  )
  add(
    'a report of another step changes nothing',
    () => library.advanceSetup(library.beginSetup('full'), { kind: 'done', step: 'fill-marker' }),
    library.beginSetup('full'),
  )
  add(
    'nothing is resumed that runs',
    () => {
      const running = library.advanceSetup(library.beginSetup('full'), { kind: 'done', step: 'check-elevation' })
      return library.advanceSetup(running, { kind: 'resume' }) === running
    },
    true,
  )
  add(
    'nothing goes on after the end',
    () => library.advanceSetup({ phase: 'complete', mode: 'full' }, { kind: 'done', step: 'fill-marker' }),
    { phase: 'complete', mode: 'full' },
  )

  add('a program is no batch file', () => ['a.BAT', 'b.cmd', 'c.cmd. ', 'd.bat.exe', 'cmd'].map(library.isBatchFile), [
    true,
    true,
    true,
    false,
    false,
  ])
  for (const [name, act] of [
    ['file', () => library.commandLine('a.bat', [])],
    ['file', () => library.commandLine('', [])],
    ['file', () => library.commandLine('a"b', [])],
    ['args', () => library.commandLine('a', ['\0'])],
    ['args', () => library.commandLine('a', ['x'.repeat(32_765)])],
  ])
    add(`no line: ${act}`, () => codeOf(act), name)
  add('the longest line', () => library.commandLine('a', ['x'.repeat(32_764)]).length, 32_766)
  for (const [line, list] of [
    ['a b\tc', ['a', 'b', 'c']],
    ['"a b"c', ['a b', 'c']],
    ['"a b', ['a b']],
    ['a "b""c" d', ['a', 'b"c d']],
    ['a ""', ['a', '']],
    ['a b"c d"e', ['a', 'bc de']],
    ['a "b\\\\" c', ['a', 'b\\', 'c']],
    ['a\\"b c', ['a\\"b', 'c']],
    ['a  ', ['a']],
  ])
    add(`the line ${line}`, () => library.splitCommandLine(line), list)
  for (const given of [{ '': '1' }, { '=': '1' }, { 'a=b': '1' }, { 'a\0': '1' }, { a: '\0' }]) {
    add(`no block: ${JSON.stringify(given)}`, () => codeOf(() => library.environmentBlock(given)), 'env')
  }
  add('a variable that is undefined is not there', () => library.environmentBlock({ a: undefined, b: '' }), 'b=\0\0')

  add('frames that are too long', () => decoded(library, bytes(1, 0, 128, 0, 0)), [[{ flaw: 'too-long' }], false])
  add('the longest frame is waited for', () => decoded(library, bytes(0, 0, 128, 0)), [[], true])
  add(
    'a frame that cannot be sent',
    () => codeOf(() => library.encodeFrame({ a: 'x'.repeat(8 << 20) })),
    'ERR_INTERNAL',
  )
  add('a frame of nothing', () => codeOf(() => library.encodeFrame({ toJSON: () => undefined })), 'ERR_INTERNAL')
  add(
    'frames that are no JSON, or not UTF-8',
    () => [text('{'), bytes(34, 255, 34)].map(body => decoded(library, bytes(body.length, 0, 0, 0, ...body))[0]),
    [[{ flaw: 'not-json' }], [{ flaw: 'not-json' }]],
  )
  add(
    'frames that are no message',
    () => ['[]', 'null', '1'].map(body => decoded(library, bytes(body.length, 0, 0, 0, ...text(body)))[0][0].flaw),
    Array(3).fill('not-a-message'),
  )
  add(
    'nothing is read after a flaw',
    () => decoded(library, bytes(1, 0, 0, 0, 49, 2, 0, 0, 0, 123, 125), bytes(2, 0, 0, 0, 123, 125)),
    [[{ flaw: 'not-a-message' }], false],
  )

  add(
    'rules for the offline account',
    () =>
      library
        .firewallRules({ proxyPorts: [8080], localBinding: false })
        .map(({ name, protocol, remotePorts }) => [name, protocol, remotePorts]),
    [
      ['castellan_offline_block_loopback_udp', 17, null],
      ['castellan_offline_block_loopback_tcp', 6, '1-8079,8081-65535'],
      ['castellan_offline_block', 256, null],
    ],
  )
  add(
    'no rule is about this machine when local servers are open',
    () => library.firewallRules({ proxyPorts: [], localBinding: true }).map(({ name }) => name),
    ['castellan_offline_block'],
  )
  add('the account of a rule', () => library.firewallAccount('S-1-2'), 'O:LSD:(A;;CC;;;S-1-2)')

  for (const [name, lists, rights, options, expected] of [
    ['nobody says anything', {}, 1, {}, false],
    ['the disk is open', { 'c:/': [allow('u', 1)] }, 1, {}, true],
    ['only one of two rights is there', { 'c:/': [allow('u', 1)] }, 0x21, {}, false],
    ['two entries add up', { 'c:/': [allow('u', 1), allow('c', 0x20)] }, 0x21, {}, true],
    ['others are open', { 'c:/': [allow('x', 1)] }, 1, {}, false],
    ['a directory above denies', { 'c:/': [allow('u', 1)], 'c:/a': [deny('u', 1)] }, 1, {}, false],
    ['a denial above is for itself', { 'c:/': [allow('u', 1)], 'c:/a': [deny('u', 1, false)] }, 1, {}, true],
    ['its own grant beats a denial above', { 'c:/a/b': [allow('u', 1)], 'c:/a': [deny('u', 1)] }, 1, {}, true],
    ['its own denial comes first', { 'c:/a/b': [allow('u', 1), deny('u', 1)] }, 1, {}, false],
    ['a grant of its own that is not inherited', { 'c:/a/b': [allow('u', 1, false)] }, 1, {}, true],
    ['it inherits nothing', { 'c:/': [allow('u', 1)] }, 1, { closed: ['c:/a/b'] }, false],
    ['what is above inherits nothing', { 'c:/': [allow('u', 1)] }, 1, { closed: ['c:/a'] }, false],
    ['what is above inherits nothing but has a list', { 'c:/a': [allow('u', 1)] }, 1, { closed: ['c:/a'] }, true],
    ['writing needs both checks', { 'c:/': [allow('u', 2)] }, 2, {}, false],
    ['writing has both', { 'c:/': [allow('u', 2), allow('c', 2)] }, 2, {}, true],
    ['reading beside writing needs one', { 'c:/': [allow('u', 3)], 'c:/a': [allow('c', 2)] }, 3, {}, true],
    ...[0x4, 0x10, 0x100, 0x1_0000, 0x4_0000, 0x8_0000].map(right => [
      `${right} is writing`,
      { 'c:/': [allow('u', right)] },
      right,
      {},
      false,
    ]),
    ...[0x1, 0x8, 0x20, 0x80].map(right => [`${right} is reading`, { 'c:/': [allow('u', right)] }, right, {}, true]),
    ['the first check is for the user', { 'c:/': [allow('x', 2)] }, 2, { restricting: ['x'] }, false],
  ])
    add(`a command when ${name}`, () => may(library, lists, rights, options), expected)
  add(
    'an object goes by its own right',
    () => mayDelete(library, { 'c:/a/b': [allow('u', 0x1_0000), allow('c', 0x1_0000)] }),
    true,
  )
  add('and both checks', () => mayDelete(library, { 'c:/a/b': [allow('u', 0x1_0000)] }), false)
  add(
    'or by that of its directory, with one check',
    () => mayDelete(library, { 'c:/a': [allow('u', 0x40, false)] }),
    true,
  )
  add(
    'the directory of the directory does not count',
    () => mayDelete(library, { 'c:/': [allow('u', 0x40, false)] }),
    false,
  )
  add(
    'lists as text',
    () =>
      library.describeTree({
        own: new Map([
          ['c:/b', []],
          ['c:/a', [allow('s', 16), deny('t', 1, false)]],
        ]),
        protected: new Set(),
      }),
    ['c:/a D:t:1 Ai:s:10'],
  )

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
  add('everyone in the token opens what everyone may write', () => [viewOf(library, true), viewOf(library, false)], [
    ['write', true, true, 'write'],
    ['read', true, false, 'write'],
  ])
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
  for (const mode of ['provision-only', 'refresh'])
    add(`a payload to ${mode}`, () => changedPayload(library, { mode }).mode, mode)
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
  return rows
}
