/** The model of access lists. */
import { codeOf, planOf } from './shared.mjs'

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

export function listExamples(add, library) {
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

  // winnt.h: FILE_READ_DATA, FILE_WRITE_DATA, FILE_DELETE_CHILD, DELETE, WRITE_DAC.
  add('rights are those of Windows', () => library.fileRights, {
    ...{ readData: 0x1, writeData: 0x2, deleteChild: 0x40, delete: 0x1_0000, writeDac: 0x4_0000 },
  })
  for (const [path, key, expected] of [
    ['C:\\a', 'c:/', true],
    ['C:\\', 'c:/', true],
    ['\\\\s\\h\\x', '//s/h', true],
    ['\\\\s\\h', '//s', false],
    ['\\\\s\\h\\x', '//s', false],
    ['C:\\a\\b', 'c:/a', true],
    ['C:\\ab', 'c:/a', false],
  ]) {
    const tree = { own: new Map([[key, [allow('u', 1)]]]), protected: new Set() }
    add(`${path} inherits from ${key}`, () => library.effectiveAces(tree, path).length === 1, expected)
  }
  add('directories that are missing are made before anything denies them', () => {
    const entry = { path: 'C:\\a', kind: 'deny', mask: 2, inherited: true, roles: ['workspace'] }
    const plan = { materialize: ['C:\\a\\b'], accessEntries: [entry] }
    return library.aclOperations(plan, () => 's').map(({ kind, path }) => [kind, path])
  }, [
    ['make-directory', 'C:\\a\\b'],
    ['set-entry', 'C:\\a'],
  ])
  add(
    'a role without an identifier is no entry',
    () => {
      const entry = { path: 'C:\\a', kind: 'deny', mask: 2, inherited: true, roles: ['workspace'] }
      return codeOf(() => library.aclOperations({ materialize: [], accessEntries: [entry] }, () => undefined))
    },
    'ERR_INTERNAL',
  )
  add(
    'with shared capabilities a denial names the shared one, of the configuration of agents the other as well',
    () =>
      ['.git', '.codex', '.agents', 'src'].map(name => {
        const path = `/c:/ws/${name}`
        const parts = { roots: ['/c:/ws'], denyWrite: [path], denyRead: [], pins: [] }
        const question = { parts, readRoots: [], cwd: '/c:/ws', backend: 'unelevated', scheme: 'shared' }
        return library.accessEntries(question)[0].roles.join()
      }),
    ['workspace', 'workspace,cwd:c:/ws', 'workspace,cwd:c:/ws', 'workspace'],
  )

  add('everyone in the token opens what everyone may write', () => [viewOf(library, true), viewOf(library, false)], [
    ['write', true, true, 'write'],
    ['read', true, false, 'write'],
  ])
}
