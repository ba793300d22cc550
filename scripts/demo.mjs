// Shows what castellan does, on a small real project in a temporary folder: the build and the test work, and what a
// command must not do is tried once without a sandbox and once in every engine of this machine. Every attempt is judged
// from outside as well. Ends with 1 when anything is not as expected. Uses no network beyond loopback.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { constants as system, tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { makePlaces, privateAttempts, privatePolicy, workAttempts, workPolicy } from './demo/attempts.mjs'
import { measure } from './demo/cost.mjs'
import { makeProject } from './demo/project.mjs'
import { startWitnesses } from './demo/witnesses.mjs'

const library = new URL('../dist/bundle/index.js', import.meta.url)
if (!existsSync(library)) {
  console.error('dist/ is missing; build first: npm run build')
  process.exit(1)
}
const { createSandbox, doctor } = await import(library)

const inside = fileURLToPath(new URL('demo/inside.mjs', import.meta.url))
const colours = process.stdout.isTTY === true && !process.env.NO_COLOR
const paint = (code, text) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text)
/** Which outcomes an expectation accepts. */
const wanted = {
  works: ['works'],
  stopped: ['stopped'],
  refused: ['refused'],
  'goes through': ['went through', 'works'],
}
const interrupted = new AbortController()
const cleaners = []
let surprises = 0

// On every way out, whatever happens before.
process.on('exit', () => {
  for (const clean of cleaners.reverse()) {
    try {
      clean()
    } catch (error) {
      console.error(`could not clean up: ${error.message}`)
      process.exitCode = 1
    }
  }
})
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(name, () => {
    interrupted.abort()
    process.exit(128 + system.signals[name])
  })
}

const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'castellan-demo-')))
cleaners.push(() => rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }))
const places = makePlaces(root, usableHome(root))
const made = makeProject(places.work)
const witnesses = await startWitnesses()
cleaners.push(() => witnesses.stop())
const attempts = { work: workAttempts(places, witnesses, inside), private: privateAttempts(places) }
for (const { undo } of [...attempts.work, ...attempts.private]) cleaners.push(undo)

console.log(
  `A project in ${places.work} (${made.language}; .git ${made.git}), as ${process.getuid?.() === 0 ? 'root' : 'an ordinary user'}.\n`,
)
const rows = []
for (const attempt of [...attempts.work, ...attempts.private]) await judge(attempt, 'none', 'goes through', runPlainly)
const reports = (await doctor()).engines
const engines = reports.filter(({ usable }) => usable).map(({ engine }) => engine)
const sandboxes = []
for (const engine of engines) sandboxes.push({ engine, sandbox: await tryEngine(engine) })
print()
for (const { engine, usable, reason } of reports) if (!usable) console.log(`${engine} cannot be used here: ${reason}\n`)
if (engines.length === 0) {
  surprises++
  console.log('No engine can be used here; `castellan doctor` says why.')
} else {
  await printCost()
}
console.log(surprises === 0 ? paint(32, 'Everything went as expected.') : paint(31, `${surprises} surprises.`))
process.exit(surprises === 0 ? 0 : 1)

async function tryEngine(engine) {
  const sandbox = await make(engine, workPolicy)
  const limits = new Map(sandbox.plan.limits.map(({ code, message }) => [code, message]))
  for (const attempt of attempts.work) {
    const expected = attempt.works ? 'works' : limits.has(attempt.limit) ? `not held: ${attempt.limit}` : 'stopped'
    await judge(attempt, engine, expected, argv => runHeld(sandbox, argv))
  }
  let closed
  try {
    closed = await make(engine, privatePolicy(places))
  } catch (error) {
    if (error.code !== 'ERR_POLICY_NOT_ENFORCEABLE') throw error
    // Landlock only grants: it cannot close a directory below an open one, and says so instead of leaving it open.
    note(
      'a policy with a denied directory',
      engine === 'landlock' ? 'refused' : 'taken',
      `refused (${error.code})`,
      engine,
    )
    return sandbox
  }
  for (const attempt of attempts.private) {
    await judge(attempt, engine, attempt.works ? 'works' : 'stopped', argv => runHeld(closed, argv))
  }
  return sandbox
}

async function make(engine, policy) {
  const sandbox = await createSandbox({ policy, cwd: places.work, linux: { engines: [engine] } })
  cleaners.push(() => sandbox[Symbol.dispose]())
  return sandbox
}

async function judge(attempt, engine, expected, run) {
  const result = await run(attempt.argv)
  // What was sent just before the command's end is on its way for a moment.
  await sleep(15, undefined, { signal: interrupted.signal })
  const reached = attempt.reached(result)
  attempt.undo()
  const through = reached || (result.exitCode === 0 && !attempt.works)
  const detail = through ? '' : ` (${reasonOf(result)})`
  note(
    attempt.name,
    expected,
    `${attempt.works ? (through ? 'works' : 'fails') : through ? 'went through' : 'stopped'}${detail}`,
    engine,
  )
}

function note(name, expected, happened, engine) {
  // What a plan declares as not held may still be stopped.
  const accepted = wanted[expected] ?? (expected.startsWith('not held') ? ['went through', 'stopped'] : [])
  const right = accepted.some(word => happened.startsWith(word))
  if (!right) surprises++
  rows.push({ cells: [name, expected, happened, engine], right, weak: expected.startsWith('not held') })
}

function runPlainly([file, ...args]) {
  const { status, stdout, stderr } = spawnSync(file, args, { cwd: places.work, encoding: 'utf8', timeout: 10_000 })
  return { exitCode: status, stdout, stderr }
}

function runHeld(sandbox, [file, ...args]) {
  return sandbox.run(file, args, { timeout: 10_000, signal: interrupted.signal })
}

/** The system's word for it: an error name that a program printed, or the end of a shell's message. */
function reasonOf({ stdout, stderr, exitCode }) {
  const name = /^E[A-Z]+$/m.exec(stdout)?.[0]
  return name ?? stderr.trim().split('\n').at(-1)?.split(': ').at(-1) ?? `exit code ${exitCode}`
}

function print() {
  const head = ['attempt', 'expected', 'happened', 'engine']
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map(({ cells }) => cells[column].length)))
  const line = cells =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd()
  console.log(paint(1, line(head)))
  let engine
  for (const { cells, right, weak } of rows) {
    if (engine !== undefined && engine !== cells[3]) console.log()
    engine = cells[3]
    const mark = right ? '' : '  <- not as expected'
    console.log(paint(!right ? 31 : weak ? 33 : 0, line(cells) + mark))
  }
  console.log()
  for (const { engine, sandbox } of sandboxes) {
    for (const { code, message } of sandbox.plan.limits)
      console.log(paint(33, `${engine} does not hold ${code}: ${message}`))
  }
  console.log()
}

async function printCost() {
  const times = await measure(sandboxes, 21, interrupted.signal)
  const plain = times[0].median
  console.log('Running `true`, medians of 21 rounds in turn:')
  for (const { name, median } of times) {
    console.log(`  ${name.padEnd(20)} ${median.toFixed(2).padStart(7)} ms  ${(median / plain).toFixed(2)} x`)
  }
  console.log()
}

function usableHome(folder) {
  const home = process.env.HOME
  try {
    if (home && home !== '/') {
      accessSync(home, constants.W_OK)
      return realpathSync(home)
    }
  } catch {
    // Not there or not ours: a stand-in, so that the attempt means something.
  }
  const standIn = path.join(folder, 'home')
  mkdirSync(standIn)
  return standIn
}
