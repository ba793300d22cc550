/**
 * Makes one mistake after the other in the Windows planner and tells which of them no case, no law and no random policy finds:
 * node scripts/mutate-windows.mjs [--every N [--offset M]] [--only REGEX]   (needs a build)
 *
 *   --every N      only each N-th mutant
 *   --offset M     of these, beginning with this one (default: 0)
 *   --only REGEX   only mutants whose name matches
 *
 * Mutants run in a process of their own. It is ended when one takes too long, and may end by itself: the mistake is found then too.
 */
import { fork } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual, parseArgs } from 'node:util'

import { reportMutants } from '../test/agreement/mutation-report.mjs'
import { sourceMutants } from '../test/agreement/source-mutants.mjs'
import { examplesOf } from '../test/agreement/windows-examples.mjs'
import { brokenLaws } from '../test/agreement/windows-laws.mjs'
import { loadWindowsLibrary } from '../test/agreement/windows-library.mjs'
import { checkPlans } from '../test/agreement/windows-world.mjs'
import { loadLibrary, runCase } from '../test/conformance/windows-decisions.mjs'

const DIST = fileURLToPath(new URL('../dist/', import.meta.url))
const SECONDS = 30

const documents = ['windows', 'windows-more'].map(name =>
  JSON.parse(readFileSync(new URL(`../test/conformance/cases/${name}.json`, import.meta.url), 'utf8')),
)

/** A build whose planner is a copy, and everything else the build itself. */
function makeCopy(folder) {
  mkdirSync(join(folder, 'plan'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  for (const name of readdirSync(DIST)) if (name !== 'plan') symlinkSync(join(DIST, name), join(folder, name))
  for (const name of readdirSync(join(DIST, 'plan'))) {
    if (name !== 'windows') symlinkSync(join(DIST, 'plan', name), join(folder, 'plan', name))
  }
  cpSync(join(DIST, 'plan/windows'), join(folder, 'plan/windows'), { recursive: true })
}

/** Every way to find a mistake, the cheapest first. Each takes a library and says whether it found one. */
const searches = [
  ({ library }) => examplesOf(library).some(([, ask, expected]) => !isDeepStrictEqual(ask(), expected)),
  ({ forCases }) =>
    documents.some(document =>
      document.cases.some(given => runCase(given, forCases, document).some(({ outcome }) => outcome === 'failed')),
    ),
  ({ library }) => brokenLaws(library, { runs: 150, seed: 7 }).length > 0,
  ({ library }) => checkPlans({ policies: 300, seed: 7, library, enough: 1 }).found.length > 0,
]

/** What found the last mistake in a file is likely to find the next one in it. */
const lastFinders = new Map()

async function findsMistake({ folder, file }) {
  const load = name => import(join(folder, `${name}.js`))
  const last = lastFinders.get(file)
  const inOrder = last === undefined ? searches : [last, ...searches.filter(search => search !== last)]
  try {
    const loaded = { forCases: await loadLibrary(load), library: await loadWindowsLibrary(load) }
    const finder = inOrder.find(search => foundBy(search, loaded))
    if (finder !== undefined) lastFinders.set(file, finder)
    return finder !== undefined
  } catch {
    return true
  }
}

function foundBy(search, loaded) {
  try {
    return search(loaded)
  } catch {
    return true
  }
}

/** Modules that were loaded stay: a process is given up before it could end for want of memory, which would look like a find. */
const MUTANTS_EACH = 50

/** One for each turn; made anew when it did not answer in time. */
const workers = []
const asked = []

function ask(turn, question) {
  asked[turn] = (asked[turn] ?? 0) + 1
  if (asked[turn] % MUTANTS_EACH === 0) {
    workers[turn]?.disconnect()
    workers[turn] = undefined
  }
  workers[turn] ??= fork(fileURLToPath(import.meta.url), {
    execArgv: ['--max-old-space-size=512'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const current = workers[turn]
  return new Promise(resolve => {
    const answered = found => {
      clearTimeout(timer)
      current.off('message', answered).off('exit', lost)
      resolve(found)
    }
    const lost = () => {
      workers[turn] = undefined
      current.kill('SIGKILL')
      answered(true)
    }
    const timer = setTimeout(lost, SECONDS * 1000)
    current.on('message', answered).on('exit', lost)
    current.send(question)
  })
}

async function isFound({ file, text }, turn) {
  const folder = mkdtempSync(join(tmpdir(), 'castellan-mutant-'))
  try {
    makeCopy(folder)
    writeFileSync(join(folder, 'plan/windows', file), text)
    return await ask(turn, { folder, file })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function mutantsOf({ every, offset, only }) {
  const files = readdirSync(join(DIST, 'plan/windows')).filter(name => name.endsWith('.js'))
  const all = files.flatMap(file => sourceMutants(file, readFileSync(join(DIST, 'plan/windows', file), 'utf8')))
  return all
    .filter(({ name }) => only === undefined || new RegExp(only).test(name))
    .filter((_, at) => at % every === offset)
}

if (process.send === undefined) {
  const number = text => ({ type: 'string', default: text })
  const { values } = parseArgs({ options: { every: number('1'), offset: number('0'), only: { type: 'string' } } })
  const mutants = mutantsOf({ every: Number(values.every), offset: Number(values.offset), only: values.only })
  await reportMutants(mutants, isFound, availableParallelism())
  for (const worker of workers) worker?.disconnect()
} else {
  process.on('message', async question => process.send(await findsMistake(question)))
}
