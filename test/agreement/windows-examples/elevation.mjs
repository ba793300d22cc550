/** Who does the setup with an administrator's rights, and what its end means. */
const start = { program: 'C:\\node\\node.exe', args: ['C:\\a b\\castellan.js'] }
const step = 'check-elevation'
const told = { step: 'make-group', code: 'helper_users_group_create_failed', message: 'm', win32: 5 }
const end = { answer: 0, report: null, status: 'ready' }

export function elevationExamples(add, library) {
  add(
    'a failure is read with its place, if it has one that is a text',
    () =>
      [{ path: 'C:\\u' }, { path: 7 }, {}].map(more => {
        const written = { step: 'make-directories', code: 'helper_sandbox_dir_create_failed', message: 'm', ...more }
        return library.readSetupFailure(JSON.stringify(written)).path ?? null
      }),
    ['C:\\u', null, null],
  )
  for (const [name, question, answer] of [
    ['with the rights', { elevated: true }, 'here'],
    ['without them', {}, 'ask'],
    ['without them, in the process that was started for it', { wasAsked: true }, 'here'],
    ['where nothing can be started', { start: null }, 'here'],
  ])
    add(
      `who does a setup ${name}`,
      () => library.elevationOf({ elevated: false, wasAsked: false, start, ...question }),
      answer,
    )
  add(
    'the words of the elevated process',
    () => library.elevatedWords(start, 'YQ=='),
    '"C:\\a b\\castellan.js" windows setup --payload YQ==',
  )
  add(
    'the payload of a setup that changes no list',
    () => {
      const question = {
        plan: null,
        mode: 'provision-only',
        stateDirectory: 'C:\\s',
        proxyPorts: [],
        localBinding: false,
      }
      const payload = library.makeSetupPayload({ ...question, realUser: 'u' })
      return library.readSetupPayload(library.encodeSetupPayload(payload))
    },
    {
      ...{ version: 5, mode: 'provision-only', offline_username: 'CastellanOffline' },
      ...{ online_username: 'CastellanOnline', state_directory: 'C:\\s', command_cwd: 'C:\\s', real_user: 'u' },
      ...{ read_roots: [], write_roots: [], deny_read_paths: [], deny_write_paths: [] },
      ...{ proxy_ports: [], allow_local_binding: false },
    },
  )
  for (const [name, change, expected] of [
    ['that is done', {}, null],
    [
      'that the person refused',
      { answer: { failure: { call: 'ShellExecuteEx', win32: 1223 } } },
      ['orchestrator_helper_launch_canceled', step, 1223],
    ],
    [
      'that could not be started',
      { answer: { failure: { call: 'ShellExecuteEx', win32: 2 } } },
      ['orchestrator_helper_launch_failed', step, 2],
    ],
    [
      'that says done and is not',
      { status: 'users-missing-or-incompatible' },
      ['orchestrator_helper_incomplete', 'fill-marker'],
    ],
    ['that failed silently', { answer: 1 }, ['orchestrator_helper_exit_nonzero', step]],
    ['that failed and says so', { answer: 1, report: JSON.stringify(told) }, [told.code, told.step, 5]],
    [
      'that failed without a number',
      { answer: 1, report: JSON.stringify({ ...told, win32: undefined }) },
      [told.code, told.step],
    ],
    ...['{', '[]', 'null', JSON.stringify({ ...told, step: 'x' })].map(report => [
      `that failed and says ${report}`,
      { answer: 1, report },
      ['orchestrator_helper_report_read_failed', step],
    ]),
    ...['code', 'message'].map(member => [
      `that failed and says no ${member}`,
      { answer: 1, report: JSON.stringify({ ...told, [member]: 1 }) },
      ['orchestrator_helper_report_read_failed', step],
    ]),
  ])
    add(
      `the end of a setup ${name}`,
      () => {
        const failure = library.elevationFailure({ ...end, ...change })
        return failure && [failure.code, failure.step, ...('win32' in failure ? [failure.win32] : [])]
      },
      expected,
    )
  add(
    'a failure is told with what it is',
    () => library.elevationFailure({ ...end, answer: 7 }).message,
    'the elevated process ended with 7 and said nothing',
  )
}
