/**
 * Makes one mistake after the other in the Windows planner and tells which of them no case, no law and no random policy finds:
 * node scripts/mutate-windows.mjs [--every N] [--only REGEX]   (needs a build)
 *
 *   --every N      only each N-th mutant
 *   --only REGEX   only mutants whose name matches
 *
 * Mutants run in a process of their own. It is ended when one takes too long, and may end by itself: the mistake is found then too.
 */
import { fork } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
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

function documents() {
  return ['windows', 'windows-more'].map(name =>
    JSON.parse(readFileSync(new URL(`../test/conformance/cases/${name}.json`, import.meta.url), 'utf8')),
  )
}

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

async function findsMistake(folder) {
  const load = name => import(join(folder, `${name}.js`))
  try {
    const forCases = await loadLibrary(load)
    for (const document of documents()) {
      for (const given of document.cases) {
        if (runCase(given, forCases, document).some(({ outcome }) => outcome === 'failed')) return true
      }
    }
    const library = await loadWindowsLibrary(load)
    if (examplesOf(library).some(([, ask, expected]) => !isDeepStrictEqual(ask(), expected))) return true
    if (brokenLaws(library, { runs: 150, seed: 7 }).length > 0) return true
    return checkPlans({ policies: 300, seed: 7, library }).found.length > 0
  } catch {
    return true
  }
}

let worker = null

/** One question to the process; it is made anew when it did not answer in time. */
function ask(folder) {
  worker ??= fork(fileURLToPath(import.meta.url), {
    execArgv: ['--max-old-space-size=512'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const current = worker
  return new Promise(resolve => {
    const answered = found => {
      clearTimeout(timer)
      current.off('message', answered).off('exit', lost)
      resolve(found)
    }
    const lost = () => {
      worker = null
      current.kill('SIGKILL')
      answered(true)
    }
    const timer = setTimeout(lost, SECONDS * 1000)
    current.on('message', answered).on('exit', lost)
    current.send(folder)
  })
}

async function isFound({ file, text }) {
  const folder = mkdtempSync(join(tmpdir(), 'castellan-mutant-'))
  try {
    makeCopy(folder)
    writeFileSync(join(folder, 'plan/windows', file), text)
    return await ask(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function mutantsOf({ every, only }) {
  const files = readdirSync(join(DIST, 'plan/windows')).filter(name => name.endsWith('.js'))
  const all = files.flatMap(file => sourceMutants(file, readFileSync(join(DIST, 'plan/windows', file), 'utf8')))
  return all.filter(({ name }) => only === undefined || new RegExp(only).test(name)).filter((_, at) => at % every === 0)
}

if (process.send === undefined) {
  const { values } = parseArgs({ options: { every: { type: 'string', default: '1' }, only: { type: 'string' } } })
  const mutants = mutantsOf({ every: Number(values.every), only: values.only })
  await reportMutants(mutants, isFound)
  worker?.disconnect()
} else {
  process.on('message', async folder => process.send(await findsMistake(folder)))
}
