/** The token's check, and the runner's messages. */
import { bytes } from './shared.mjs'

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

const tokenQuestion = { capabilities: ['cwd:c:/ws'], backend: 'elevated', writes: true, everyone: true }

export function runnerExamples(add, library) {
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
}
