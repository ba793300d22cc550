/**
 * Laws of the Windows decisions that hold for every input: each is a property for fast-check. Used by the tests, and by the script
 * that makes mistakes on purpose.
 */

import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'

const characters = fc.constantFrom(...'ab"\\ \t\n/=;%^&|<>.é😀')
const argument = fc.oneof(fc.string({ unit: characters, maxLength: 12 }), fc.string({ maxLength: 12 }))
const program = fc
  .string({ unit: fc.constantFrom(...'ab\\ :.é'), minLength: 1, maxLength: 12 })
  .filter(text => !/^[ ]/.test(text))

function names(library) {
  const name = fc.string({ unit: fc.constantFrom(...'abAB_éx('), minLength: 1, maxLength: 6 })
  const value = fc.string({ unit: fc.constantFrom(...'ab =;\\é😀'), maxLength: 8 })
  return fc.uniqueArray(fc.tuple(name, value), { selector: ([given]) => library.variableKey(given), maxLength: 8 })
}

const pathName = fc
  .string({ unit: fc.constantFrom(...'abAB é~1.-'), minLength: 1, maxLength: 8 })
  .filter(text => !/^[. ]+$|[. ]$|^ /.test(text))
const windowsPath = fc
  .tuple(fc.constantFrom('C:', 'd:', '\\\\srv\\share'), fc.array(pathName, { maxLength: 4 }))
  .map(([anchor, parts]) =>
    parts.length === 0 && anchor.endsWith(':') ? `${anchor}\\` : [anchor, ...parts].join('\\'),
  )

const spelled = fc
  .tuple(windowsPath, fc.array(fc.constantFrom('slashes', 'verbatim', 'dots', 'case', 'end'), { maxLength: 4 }))
  .map(([path, changes]) => [path, changes.reduce(respell, path)])

function respell(path, change) {
  switch (change) {
    case 'slashes':
      return path.replaceAll('\\', '/')
    case 'case':
      return path.toUpperCase()
    case 'end':
      return /[\\/]$/.test(path) ? path : `${path}\\`
    case 'dots':
      return `${path}${/[\\/]$/.test(path) ? '' : '\\'}x\\..\\.`
    default:
      if (/^[\\/]{2}[?]/.test(path)) return path
      return /^[\\/]{2}/.test(path) ? `\\\\?\\UNC\\${path.slice(2)}` : `\\\\?\\${path}`
  }
}

const mask = fc.constantFrom(1, 2, 3, 0x1301bf, 0xd0156)
const ace = fc
  .record({
    type: fc.constantFrom('allow', 'deny'),
    sid: fc.constantFrom('s', 't', 'u'),
    mask,
    inherited: fc.boolean(),
  })
  .map(entry => ({ ...entry }))
const place = fc.constantFrom('C:\\', 'C:\\a', 'C:\\A\\b', 'C:\\c', '\\\\srv\\share\\x')
const start = fc.uniqueArray(fc.tuple(place, ace), {
  selector: ([path, { type, sid }]) => `${path.toLowerCase()} ${type} ${sid}`,
  maxLength: 8,
})

function treeOf(entries, library) {
  const own = new Map()
  for (const [path, entry] of entries) {
    const key = library.pathKey(path)
    own.set(key, [...(own.get(key) ?? []), entry])
  }
  return { own, protected: new Set() }
}

const message = fc
  .dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 2 }))
  .map(value => JSON.parse(JSON.stringify(value)))

function* chunked(bytes, sizes) {
  let at = 0
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]
    yield bytes.slice(at, at + size)
    at += size
  }
}

const owner = { pid: 4, started: '1' }
const journalSteps = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.boolean()), { maxLength: 10 })

/** A journal as a process writes it that is stopped anywhere, and what is on the disk then. */
function journalOf(steps, library) {
  const known = new Map()
  let text = ''
  for (const [number] of steps) {
    const id = `e${number}`
    const state = known.get(id)
    const line =
      state === undefined ? plannedLine(id) : { version: 1, id, state: state === 'planned' ? 'applied' : 'revoked' }
    if (state === 'revoked') continue
    known.set(id, line.state)
    text += library.journalLine(line)
  }
  return { text, known }
}

function plannedLine(id) {
  const entry = { type: 'allow', sid: 'S-1-5-21-1-2-3-4', mask: 1, inherited: true }
  return {
    version: 1,
    id,
    path: 'C:\\a',
    file: id,
    volume: '1',
    ace: entry,
    before: null,
    persistent: false,
    owner,
    state: 'planned',
  }
}

/** Name and property of each law. */
export function lawsOf(library) {
  const same = (left, right) => isDeepStrictEqual(left, right)
  return [
    [
      'a command line is read back as it was made',
      fc.property(program, fc.array(argument, { maxLength: 5 }), (file, args) => {
        if (library.isBatchFile(file)) return true
        return same(library.splitCommandLine(library.commandLine(file, args)), [file, ...args])
      }),
    ],
    [
      'a block is read back as it was made, sorted, and ends with two NULs',
      fc.property(names(library), entries => {
        const block = library.environmentBlock(Object.fromEntries(entries))
        const read = library.readEnvironmentBlock(block)
        const keys = Object.keys(read).map(library.variableKey)
        const isSorted = keys.every((key, index) => index === 0 || keys[index - 1] < key)
        return same({ ...read }, Object.fromEntries(entries)) && isSorted && block.endsWith('\0\0')
      }),
    ],
    [
      'a block takes no name twice in other letter case',
      fc.property(fc.constantFrom('Path', 'a', 'é'), name => {
        try {
          library.environmentBlock({ [name.toUpperCase()]: '1', [name.toLowerCase()]: '2' })
          return false
        } catch (error) {
          return error.code === 'ERR_INVALID_OPTION'
        }
      }),
    ],
    [
      'an environment has each name once, and in other letter case gives the same values',
      fc.property(
        names(library),
        fc.boolean(),
        fc.constantFrom('unelevated', 'elevated'),
        (entries, closes, backend) => {
          const question = {
            host: {},
            backend,
            closesNetwork: closes,
            managedProxy: false,
            stubs: 'C:\\d',
            gitRoot: 'C:\\g',
          }
          const made = command => library.windowsEnvironment({ ...question, command })
          const plain = made(Object.fromEntries(entries))
          const other = made(Object.fromEntries(entries.map(([name, value]) => [name.toUpperCase(), value])))
          const folded = given =>
            Object.entries(given)
              .map(([name, value]) => [library.variableKey(name), value])
              .sort()
          const keys = folded(plain).map(([key]) => key)
          return new Set(keys).size === keys.length && same(folded(plain), folded(other))
        },
      ),
    ],
    [
      'all spellings of a path have one key, and no two paths share one',
      fc.property(spelled, windowsPath, ([path, other], stranger) => {
        const key = library.pathKey(path)
        const equal = path.toUpperCase() === stranger.toUpperCase()
        return (
          library.pathKey(other) === key &&
          library.pathKey(key) === key &&
          (library.pathKey(stranger) === key) === equal
        )
      }),
    ],
    [
      'a path that is read is normal, has the key of its spelling, and survives the way through the policy layer',
      fc.property(spelled, ([, text]) => {
        const read = library.readWindowsPath(text)
        if ('flaw' in read) return false
        const again = library.readWindowsPath(read.path)
        const back = library.windowsPathOf(library.policyPathOf(read.path))
        return again.path === read.path && library.pathKey(back) === library.pathKey(text)
      }),
    ],
    [
      'a key contains another exactly when the names do',
      fc.property(windowsPath, fc.array(pathName, { maxLength: 2 }), windowsPath, (path, below, stranger) => {
        const child = below.reduce(library.windowsChild, path)
        const names = text => library.pathKey(text).split('/').filter(Boolean)
        const isUnder = names(path).every((name, index) => names(stranger)[index] === name)
        return (
          library.keyContains(library.pathKey(path), library.pathKey(child)) &&
          library.keyContains(library.pathKey(path), library.pathKey(stranger)) === isUnder
        )
      }),
    ],
    [
      'entries that are set and taken back leave every list as it was',
      fc.property(start, fc.array(fc.tuple(place, ace), { maxLength: 10 }), (before, changes) => {
        const tree = treeOf(before, library)
        const operations = changes.map(([path, entry]) => ({
          kind: 'set-entry',
          path,
          ace: entry,
          onlyWhenUnreadable: false,
        }))
        const applied = library.applyOperations(tree, operations)
        const last = new Map(
          changes.map(([path, entry]) => [`${library.pathKey(path)} ${entry.type} ${entry.sid}`, { path, entry }]),
        )
        const isSet = [...last.values()].every(({ path, entry }) =>
          applied.tree.own.get(library.pathKey(path)).some(other => same(other, entry)),
        )
        const after = applied.reversals.reduce(library.revertEntry, applied.tree)
        return isSet && same(library.describeTree(after), library.describeTree(tree))
      }),
    ],
    [
      'an entry that somebody replaced is left alone',
      fc.property(place, ace, ace, (path, mine, theirs) => {
        const { tree, reversal } = library.setEntry(treeOf([], library), path, mine)
        const changed = library.setEntry(tree, path, { ...theirs, type: mine.type, sid: mine.sid }).tree
        const after = library.revertEntry(changed, reversal)
        const isSame = same({ ...theirs, type: mine.type, sid: mine.sid }, mine)
        return isSame ? after.own.size === 0 : same(library.describeTree(after), library.describeTree(changed))
      }),
    ],
    [
      'frames are read back however the bytes are cut',
      fc.property(
        fc.array(message, { maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (list, sizes) => {
          const bytes = Buffer.concat(list.map(library.encodeFrame))
          const decoder = new library.FrameDecoder()
          const read = [...chunked(bytes, sizes)].flatMap(chunk => decoder.push(chunk))
          return (
            same(
              read,
              list.map(item => ({ message: item })),
            ) && !decoder.unfinished
          )
        },
      ),
    ],
    [
      'a journal is read back as far as it was written, also when its last line is torn',
      fc.property(journalSteps, fc.integer({ min: 0, max: 200 }), (steps, torn) => {
        const { text, known } = journalOf(steps, library)
        const more = library.journalLine(plannedLine('torn')).slice(0, torn)
        const read = library.readJournal(text + (more.endsWith('\n') ? '' : more))
        return same(
          read.entries?.map(({ id, state }) => [id, state]),
          [...known],
        )
      }),
    ],
    [
      'recovery leaves nothing that is temporary and nobody holds',
      fc.property(
        fc.constantFrom('planned', 'applied', 'revoked'),
        fc.record({ exists: fc.boolean(), present: fc.boolean(), ownerAlive: fc.boolean() }),
        fc.boolean(),
        (state, sight, persistent) => {
          const step = library.recoveryStep({ ...plannedLine('a'), persistent, state }, sight)
          if (state === 'revoked' || sight.ownerAlive) return step === 'leave'
          if (!sight.exists || !sight.present) return step === 'mark-revoked'
          if (!persistent) return step === 'revoke'
          return step === (state === 'planned' ? 'mark-applied' : 'leave')
        },
      ),
    ],
    [
      'blocked ports and allowed ones are all ports, each once',
      fc.property(fc.array(fc.integer({ min: -3, max: 70_000 }), { maxLength: 6 }), allowed => {
        const ranges = (library.blockedPorts(allowed) ?? '').split(',').filter(Boolean)
        const blocked = ranges.reduce((sum, range) => sum + sizeOf(range), 0)
        const kept = new Set(allowed.filter(port => port >= 1 && port <= 65_535))
        const touches = ranges.some(range => [...kept].some(port => isIn(port, range)))
        return blocked + kept.size === 65_535 && !touches
      }),
    ],
    [
      'a setup that fails at any step is not complete, and is after it was resumed',
      fc.property(fc.constantFrom('full', 'provision-only', 'refresh'), fc.nat(), (mode, chance) => {
        const steps = library.stepsOf(mode)
        const failing = steps[chance % steps.length]
        const first = runSetup(mode, failing, library)
        if (first.state.phase !== 'failed' || first.state.step !== failing || first.done.has('fill-marker'))
          return false
        const second = runSetup(mode, null, library, library.advanceSetup(first.state, { kind: 'resume' }))
        return second.state.phase === 'complete' && steps.every(step => second.done.has(step))
      }),
    ],
  ]
}

function sizeOf(range) {
  const [from, to = from] = range.split('-').map(Number)
  return to - from + 1
}

function isIn(port, range) {
  const [from, to = from] = range.split('-').map(Number)
  return port >= from && port <= to
}

function runSetup(mode, failing, library, begun = library.beginSetup(mode)) {
  const done = new Set()
  let state = begun
  for (let turn = 0; state.phase === 'running' && turn < 50; turn++) {
    const { step } = state
    if (step !== failing) done.add(step)
    state = library.advanceSetup(state, { kind: step === failing ? 'failed' : 'done', step })
  }
  return { state, done }
}

/** The laws that do not hold, with a counter-example. */
export function brokenLaws(library, { runs = 100, seed = 1 } = {}) {
  return lawsOf(library).flatMap(([name, property]) => {
    const { failed, counterexample, errorInstance } = fc.check(property, { numRuns: runs, seed })
    return failed ? [{ name, counterexample, error: errorInstance }] : []
  })
}
