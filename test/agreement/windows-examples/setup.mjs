/** Payloads of the setup helper, its steps, and what a plan says beside the cases. */
import { codeOf, planOf } from './shared.mjs'

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

export function setupExamples(add, library) {
  add(
    'what a setup could not do is read from the marker, as far as it is texts',
    () =>
      [['a', 7, 'b'], 'a', undefined].map(notices => {
        const marker = { version: 5, offline_username: 'a', online_username: 'b', notices }
        return library.readSetupMarker(JSON.stringify(marker)).notices
      }),
    [['a', 'b'], [], []],
  )
  add(
    'no payload is read whose text is not UTF-8',
    () => {
      const whole = Buffer.from(
        library.encodeSetupPayload(library.makeSetupPayload(payloadQuestion(planOf(library)))),
        'base64',
      )
      whole[whole.indexOf('"u"') + 1] = 0xff
      return library.readSetupPayload(whole.toString('base64'))
    },
    null,
  )
  add('a marker is read as it was written, with the time if it has one', () => {
    const marker = { version: 5, offline_username: 'a', online_username: 'b' }
    return [{ ...marker, created_at: 't' }, marker, [], 7, null]
      .map(value => library.readSetupMarker(JSON.stringify(value)))
      .map(read => read && [read.created_at, read.proxy_ports, read.allow_local_binding])
  }, [['t', [], false], [undefined, [], false], null, null, null])
  add('addresses that cannot be read are none', () => library.canonicalAddresses('10.0.0.0/8,x'), null)
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
      ['\\\\.\\NUL', 'null-device', 0x12019f, false],
    ],
  )
  add('the null device is opened for one capability of the token, unless everyone is in it', () => {
    const rolesOf = (...given) =>
      planOf(library, ...given)
        .accessEntries.filter(({ kind }) => kind === 'null-device')
        .map(({ roles }) => roles)
    return [rolesOf(), rolesOf('read-only', 'unelevated'), rolesOf('read-only', 'unelevated', { everyone: true })]
  }, [[['root:c:/t']], [['readonly']], []])
  add(
    'rights of a denial of reading and of a pin',
    () => [library.accessMasks['deny-read'], library.accessMasks.pin, library.isInherited('pin')],
    [0x1200a9, 0xd0100, false],
  )
  add(
    'only grants of reading depend on what everyone may, and only the null device on what this process may',
    () => [
      ...new Set(
        library
          .aclOperations(planOf(library), role => role)
          .map(
            ({ ace, onlyWhenUnreadable, whenPermitted }) =>
              `${ace.type} ${ace.mask} ${onlyWhenUnreadable} ${whenPermitted}`,
          ),
      ),
    ],
    [
      `deny ${0xd0156} false false`,
      `allow ${0x1301bf} false false`,
      `allow ${0x1200a9} true false`,
      `allow ${0x12019f} false true`,
    ],
  )
  add(
    'a role without an identifier stops everything',
    () => codeOf(() => library.aclOperations(planOf(library), () => undefined)),
    'ERR_INTERNAL',
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

  for (const mode of ['provision-only', 'refresh'])
    add(`a payload to ${mode}`, () => changedPayload(library, { mode }).mode, mode)
}
