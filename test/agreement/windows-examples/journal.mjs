/** The store of capabilities, and the journal of changes. */
import { bytes, codeOf } from './shared.mjs'

const owner = { pid: 4, started: '1' }
const grant = { type: 'allow', sid: 'S-1-5-21-1-2-3-4', mask: 1, inherited: true }
const planned = {
  ...{ version: 1, id: 'a', path: 'C:\\a', file: 'f', volume: 'v', ace: grant, before: null, persistent: false, owner },
  state: 'planned',
}
const lines = (...list) => list.map(line => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')
const { version: _version, ...entry } = planned
const other = { ...entry, id: 'b', state: 'applied' }

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

const sight = { exists: true, present: true, ownerAlive: false }
const step = (library, change, seen, others) =>
  library.recoveryStep({ ...entry, ...change }, { ...sight, ...seen }, others)

export function journalExamples(add, library) {
  add('capabilities are kept, and no two are one', () => storeExample(library), [
    { readonly: ones },
    { readonly: ones, workspace: twos },
    1,
    { readonly: ones, workspace: twos },
  ])
  add('a store of nothing', () => library.emptyCapabilityStore, { version: 1, sids: {} })
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
  add(
    'a journal gives nobody a right who is none of ours, and brings back only what was replaced',
    () =>
      [
        { ace: { ...grant, sid: 'S-1-1-0' } },
        { ace: { ...grant, sid: 'S-1-5-32-545' } },
        { before: { ...grant, sid: 'S-1-5-21-1-2-3-5' } },
        { before: { ...grant, type: 'deny' } },
      ].map(change => library.readJournal(lines({ ...planned, ...change })).flaw),
    Array(4).fill('line 1: it plans nothing that can be read'),
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
}
