// What a question to the policy costs, against `path.resolve` of the same path, and what is done with a policy once per launch.
// No disk: entries stand in a made-up tree.
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
  // With a writable workspace: a policy without one has no legacy form (CONV-8), and nothing would be converted.
  const entries = [
    { path: { type: 'special', value: { kind: 'root' } }, access: 'read' },
    { path: { type: 'special', value: { kind: 'current_working_directory' } }, access: 'write' },
  ]
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

/** So many questions are asked in one go: half a millisecond or less, which other load seldom falls into. */
const BLOCK = 250

function nanosecondsPerQuestion(questions, ask) {
  let length = 0
  const start = performance.now()
  for (const question of questions) length += ask(question).length
  const nanoseconds = ((performance.now() - start) * 1e6) / questions.length
  if (length === 0) throw new Error('policy queries: nothing was answered')
  return nanoseconds
}

/**
 * The medians of what each of `asks` costs, and of its ratios to the first. A ratio is taken between neighbours in time, so that
 * load from elsewhere falls on both or on few; who is first rotates.
 */
function compare(asks, questions, rounds) {
  const names = Object.keys(asks)
  const costs = Object.fromEntries(names.map(name => [name, []]))
  for (let round = -1; round < rounds; round++) {
    for (let start = 0; start < questions.length; start += BLOCK) {
      const block = questions.slice(start, start + BLOCK)
      const turn = start / BLOCK + round + 1
      for (let place = 0; place < names.length; place++) {
        const name = names[(place + turn) % names.length]
        const cost = nanosecondsPerQuestion(block, asks[name])
        if (round >= 0) costs[name].push(cost)
      }
    }
  }
  const [first] = names
  return Object.fromEntries(
    names.map(name => [
      name,
      { nanoseconds: median(costs[name]), ratio: median(costs[name].map((cost, index) => cost / costs[first][index])) },
    ]),
  )
}

/**
 * Milliseconds of what a launch does with a policy: both conversions, and resolving it, which makes its digest. Processor time
 * beside the time that passed, since other load lengthens only the latter; it includes what V8's helper threads do.
 */
function preparing({ legacyToSplit, splitToLegacy, resolvePolicy }, fileSystem, rounds) {
  const passed = []
  const processor = []
  for (let round = 0; round < rounds; round++) {
    const usage = process.cpuUsage()
    const start = performance.now()
    const { policy } = splitToLegacy(fileSystem, 'restricted', surroundings)
    if (policy === undefined) throw new Error('policy queries: the policy has no legacy form')
    legacyToSplit(policy, surroundings)
    const { digest } = resolvePolicy({ form: 'split', fileSystem, network: 'restricted' }, surroundings)
    if (digest.length !== 64) throw new Error('policy queries: no digest')
    passed.push(performance.now() - start)
    const { user, system } = process.cpuUsage(usage)
    processor.push((user + system) / 1000)
  }
  return { prepareMs: median(passed), prepareProcessorMs: median(processor), prepareFirstMs: passed[0] }
}

export function policyQueries(library, counts, repetitions) {
  const { accessOf, enforcedAccessOf, parseFileSystemPolicy, resolvePolicy } = library
  return counts.map(count => {
    // As policies come: from a text, so that no path is a string in pieces, and frozen, so that the library may keep its index.
    const fileSystem = parseFileSystemPolicy(JSON.parse(JSON.stringify(policyOf(count))))
    const prepared = preparing(library, fileSystem, count > 10_000 ? 3 : repetitions * 5)
    const resolved = resolvePolicy({ form: 'split', fileSystem, network: 'restricted' }, surroundings)
    const asks = {
      pathResolve: question => path.resolve('/work', question),
      enforced: question => enforcedAccessOf(resolved, question).access,
      access: question => accessOf(fileSystem, surroundings, question),
    }
    const { pathResolve, enforced, access } = compare(asks, questionsFor(count), repetitions)
    return {
      entries: count,
      ...prepared,
      pathResolveNs: pathResolve.nanoseconds,
      enforcedNs: enforced.nanoseconds,
      accessNs: access.nanoseconds,
      enforcedRatio: enforced.ratio,
      accessRatio: access.ratio,
    }
  })
}
