// What a question to the policy costs, against `path.resolve` of the same path. No disk: entries stand in a made-up tree.
import path from 'node:path'
import { performance } from 'node:perf_hooks'

import { median } from './statistics.mjs'

/** Everything is a directory and its own canonical form. */
const files = {
  realPath: name => name,
  kindOf: () => 'directory',
  targetKindOf: () => 'directory',
  readText: () => null,
}
const surroundings = {
  policyCwd: '/work',
  processCwd: '/work',
  temporaryDirectory: undefined,
  home: '/home/user',
  files,
}

/** Repeatable; not for secrets. */
function pseudoRandom(seed) {
  let state = seed
  return limit => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state % limit
  }
}

function policyOf(count) {
  const entries = [{ path: { type: 'special', value: { kind: 'root' } }, access: 'read' }]
  for (let index = 0; index < count; index++) {
    // Groups of 100, so that the tree is neither one long list nor one long line.
    const entry = `/work/group-${Math.floor(index / 100)}/part-${index % 100}/entry-${index}`
    entries.push({ path: { type: 'path', path: entry }, access: index % 3 === 0 ? 'none' : 'write' })
  }
  return { kind: 'restricted', entries }
}

function questionsFor(count) {
  const random = pseudoRandom(count + 1)
  return Array.from({ length: 5000 }, () => {
    const index = random(Math.max(1, count))
    const below = Array.from({ length: 1 + random(4) }, () => `name-${random(50)}`).join('/')
    return `/work/group-${Math.floor(index / 100)}/part-${index % 100}/entry-${index}/${below}`
  })
}

/** Nanoseconds per question, median over the repetitions. */
function cost(questions, repetitions, ask) {
  let sink = 0
  const times = []
  for (let repetition = -1; repetition < repetitions; repetition++) {
    const start = performance.now()
    for (const question of questions) sink += ask(question).length
    if (repetition >= 0) times.push(((performance.now() - start) * 1e6) / questions.length)
  }
  if (sink === 0) throw new Error('policy queries: nothing was answered')
  return median(times)
}

/** Milliseconds of what else is done with a policy once: both conversions, and its digest with all that goes into it. */
function roundTrip({ legacyToSplit, splitToLegacy, resolvePolicy }, fileSystem) {
  const start = performance.now()
  const { policy } = splitToLegacy(fileSystem, 'restricted', surroundings)
  if (policy !== undefined) legacyToSplit(policy, surroundings)
  const convertMs = performance.now() - start
  const again = performance.now()
  resolvePolicy({ form: 'split', fileSystem, network: 'restricted' }, surroundings)
  return { convertMs, resolveAgainMs: performance.now() - again }
}

export function policyQueries(library, counts, repetitions) {
  const { accessOf, enforcedAccessOf, parseFileSystemPolicy, resolvePolicy } = library
  return counts.map(count => {
    // As policies come: from a text, so that no path is a string in pieces, and frozen, so that the library may keep its index.
    const fileSystem = parseFileSystemPolicy(JSON.parse(JSON.stringify(policyOf(count))))
    const start = performance.now()
    const resolved = resolvePolicy({ form: 'split', fileSystem, network: 'restricted' }, surroundings)
    const resolveMs = performance.now() - start
    const questions = questionsFor(count)
    const resolveNs = cost(questions, repetitions, question => path.resolve('/work', question))
    const enforcedNs = cost(questions, repetitions, question => enforcedAccessOf(resolved, question).access)
    const accessNs = cost(questions, repetitions, question => accessOf(fileSystem, surroundings, question))
    return {
      entries: count,
      resolveMs,
      pathResolveNs: resolveNs,
      enforcedNs,
      accessNs,
      enforcedRatio: enforcedNs / resolveNs,
      accessRatio: accessNs / resolveNs,
      ...roundTrip(library, fileSystem),
    }
  })
}
