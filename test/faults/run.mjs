#!/usr/bin/env node
// npm run faults: fails each system call of a launch in turn, in a build of its own (native/linux/faults.h), and looks that
// the command never ran unconfined and that nothing stays behind.
//
//   npm run faults -- [--engines namespace,shared,landlock,bwrap,wrap,wrap-landlock,in-place] [--sweeps REGEX] [--no-build]
//
// Three sweeps per engine: the calls of the child between clone and exec, those of the helper, and, by a limit on open
// files that lets one more through each time, the descriptors that the parent makes. A launch must either end with
// ERR_LAUNCH, a stage and no witness file, or have run the command confined (calls whose failure changes nothing).
// Descriptors, children, mounts and placeholders are counted after each. `in-place` is a process that confines itself
// (in-place.mjs). Needs CMake. Prints `N passed, M failed`.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { sweepInPlace } from './in-place.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const build = path.join(root, 'build/cmake-faults')
const { values: options } = parseArgs({
  options: {
    engines: { type: 'string', default: 'namespace,shared,landlock,bwrap,wrap,wrap-landlock,in-place' },
    sweeps: { type: 'string', default: '' },
    build: { type: 'boolean', default: true },
  },
  allowNegative: true,
})

if (process.env.CASTELLAN_PREBUILD === undefined) {
  if (options.build) {
    const words = ['compile', '--directory', 'native', '--out', 'build/cmake-faults', '--CDCASTELLAN_FAULTS=ON']
    const built = spawnSync('npx', ['cmake-js', ...words], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
    if (built.status !== 0) process.exit(2)
  }
  // The loader wants FOLDER/build/Release.
  const folder = path.join(build, 'loaded')
  fs.mkdirSync(path.join(folder, 'build/Release'), { recursive: true })
  fs.copyFileSync(path.join(build, 'Release/castellan.node'), path.join(folder, 'build/Release/castellan.node'))
  const again = [...process.execArgv, ...process.argv.slice(1)]
  const run = spawnSync(process.execPath, again, {
    stdio: 'inherit',
    env: { ...process.env, CASTELLAN_PREBUILD: folder },
  })
  process.exit(run.status ?? 1)
}

const { createSandbox, policies } = await import('../../dist/index.js')
const { loadBinding } = await import('../../dist/native/binding.js')
const binding = loadBinding()
if (typeof binding.setSoftLimit !== 'function') throw new Error('this is not the build whose calls can be made to fail')

const RLIMIT_RSS = 5
const RLIMIT_NOFILE = 7
const UNLIMITED = -1
const only = {
  namespace: { engines: ['namespace'], bubblewrap: 'never' },
  shared: { engines: ['namespace'], bubblewrap: 'never', processes: 'shared' },
  landlock: { engines: ['landlock'], bubblewrap: 'never' },
  bwrap: { engines: ['bwrap'], bubblewrap: 'require' },
  wrap: { engines: ['namespace'], bubblewrap: 'never' },
  'wrap-landlock': { engines: ['landlock'], bubblewrap: 'never' },
}

const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'castellan-faults-')))
const ws = path.join(base, 'ws')
const witness = path.join(ws, 'witness')
const outside = path.join(base, 'outside')
fs.mkdirSync(path.join(ws, '.git'), { recursive: true })
fs.writeFileSync(path.join(ws, '.git/config'), 'text')

/** What is open here, by number; the look's own descriptor is gone by the time it is asked about. */
const openFiles = () =>
  new Map(
    fs.readdirSync('/proc/self/fd').flatMap(fd => {
      try {
        return [[fd, fs.readlinkSync(`/proc/self/fd/${fd}`)]]
      } catch {
        return []
      }
    }),
  )
const mounts = () => fs.readFileSync('/proc/self/mountinfo', 'utf8')
const describeProcess = pid => {
  try {
    const words = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(1).join(' ')
    return `${pid} (${words} ${/State:\s+\S+/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[0]})`
  } catch {
    return pid
  }
}
const children = () =>
  fs
    .readdirSync('/proc/self/task')
    .map(task => fs.readFileSync(`/proc/self/task/${task}/children`, 'utf8').trim())
    .filter(Boolean)
    .join(' ')

let passed = 0
let failed = 0
function report(what, problems) {
  if (problems.length === 0) passed++
  else failed++
  if (problems.length > 0) console.log(`FAIL ${what}: ${problems.join('; ')}`)
}

/** One launch. Gives what it came to: `ran`, or the stage that failed. */
async function launch(sandbox, sync) {
  const problems = []
  let outcome
  try {
    // The limit on open files is inherited, so the command needs none but its streams: the shell's own redirection.
    const script = 'echo x >"$0"; echo x >"$1"; exit 0'
    const words = ['-c', script, outside, witness]
    const result = sync ? sandbox.runSync('/bin/sh', words) : await sandbox.run('/bin/sh', words)
    outcome = 'ran'
    if (result.exitCode !== 0 && fs.existsSync(witness)) problems.push(`exit ${result.exitCode} ${result.stderr}`)
  } catch (error) {
    outcome = error.stage ?? `spawn ${error.code}`
    // What concerns the program or the directory alone is told as child_process tells it.
    if (error.syscall?.startsWith('spawn ')) problems.push(...(error.path === '/bin/sh' ? [] : ['names no program']))
    else if (error.code !== 'ERR_LAUNCH') problems.push(`${error.code}: ${error.message}`)
    else if (typeof error.stage !== 'string' || error.stage === '') problems.push('no stage')
    if (fs.existsSync(witness)) problems.push('the command ran although the launch failed')
  }
  if (fs.existsSync(outside)) problems.push('the command was not confined')
  fs.rmSync(witness, { force: true })
  fs.rmSync(outside, { force: true })
  return { outcome, problems }
}

/** The same for a wrapped command, which Node.js starts: the helper ends with a code of its own and says the step. */
function launchWrapped({ file, args, env }) {
  const problems = []
  const { status, signal, stderr } = spawnSync(file, args, { env, cwd: ws, encoding: 'utf8' })
  const ran = fs.existsSync(witness)
  const outcome = ran ? 'ran' : (/was not started: ([^:]*):/.exec(stderr)?.[1] ?? `ended ${status ?? signal}`)
  if (ran && (status !== 0 || signal !== null)) problems.push(`ran and ended ${status ?? signal}: ${stderr}`)
  if (!ran && (status === 0 || (status !== null && status < 125))) problems.push(`exit ${status}: ${stderr}`)
  if (fs.existsSync(outside)) problems.push('the command was not confined')
  fs.rmSync(witness, { force: true })
  fs.rmSync(outside, { force: true })
  return { outcome, problems }
}

/**
 * What a launch used may be on its way back to the system yet, and what ended runs left is swept a little later, with
 * descriptors of its own: so one look that finds nothing is enough, and is the one that counts.
 */
async function whatStays(before) {
  let stays = heldSince(before)
  for (let round = 0; round < 200 && stays.length > 0; round++) {
    await pause(50)
    stays = heldSince(before)
  }
  return stays
}

function heldSince({ fds, kids, mounted, known }) {
  const stays = []
  const now = openFiles()
  const added = [...now].filter(([fd, target]) => fds.get(fd) !== target)
  if (now.size !== fds.size)
    stays.push(`${now.size - fds.size} descriptors stay: ${added.map(words => words.join(' '))}`)
  if (children() !== kids) stays.push(`children: ${children().split(' ').map(describeProcess)}, before: ${kids}`)
  if (mounts() !== mounted) stays.push('mounts stay')
  const left = fs.readdirSync(ws).filter(name => !known.has(name))
  if (left.length > 0) stays.push(`${left} stay`)
  return stays
}

/** What is held once the helpers of earlier runs have gone, which they do a moment after their runs: nothing less for a while. */
async function atRest() {
  // A wrapped command keeps its placeholders until its sandbox is disposed.
  const known = new Set(fs.readdirSync(ws))
  const look = () => ({ fds: openFiles(), kids: children(), mounted: mounts(), known })
  let least = look()
  for (let round = 0; round < 10; round++) {
    await pause(50)
    const now = look()
    if (now.fds.size < least.fds.size || now.kids.length < least.kids.length) round = 0
    least = now
  }
  return least
}

/** Until nothing failed any more for a while: the last ordinals are past the end of the launch. */
async function sweep(engine, start, name, setFault, mostInARow) {
  if (!new RegExp(options.sweeps).test(name)) return
  const stages = new Map()
  const before = await atRest()
  let inARow = 0
  let points = 0
  for (let ordinal = 1; inARow < mostInARow && ordinal < 2000; ordinal++) {
    setFault(ordinal)
    const { outcome, problems } = await start.launch(ordinal % 2 === 0)
    setFault(0)
    // Without a descriptor a placeholder cannot be locked, so not removed either; the next run does it (docs/limits.md).
    if (name === 'open files' && fs.readdirSync(ws).length > 1) start.sandbox.runSync('true')
    report(`${engine}, ${name} ${ordinal} (${outcome})`, [...problems, ...(await whatStays(before))])
    inARow = outcome === 'ran' ? inARow + 1 : 0
    if (outcome !== 'ran') points++
    stages.set(outcome, (stages.get(outcome) ?? 0) + 1)
  }
  const counts = [...stages].map(([stage, count]) => `${stage} ${count}`).join(', ')
  console.log(`${engine}, ${name}: ${points} launches failed (${counts})`)
  if (points === 0 && !name.startsWith('helper')) report(`${engine}, ${name}`, ['no call was made to fail'])
}

const faultOf = (program, errno) => ordinal =>
  binding.setSoftLimit(RLIMIT_RSS, ordinal === 0 ? UNLIMITED : ordinal * 1024 + errno * 4 + program)

try {
  for (const engine of options.engines.split(',')) {
    if (engine === 'in-place') {
      sweepInPlace(report)
      continue
    }
    const policy = policies.workspaceWrite({ excludeSlashTmp: true, excludeTmpdirEnvVar: true })
    const sandbox = await createSandbox({ policy, cwd: ws, linux: only[engine] })
    await sandbox.run('true')
    sandbox.runSync('true')
    if (engine.startsWith('wrap')) {
      const wrapped = sandbox.wrap('/bin/sh', ['-c', 'echo x >"$0"; echo x >"$1"; exit 0', outside, witness])
      const start = { sandbox, launch: () => launchWrapped(wrapped) }
      await sweep(engine, start, 'helper, EIO, call', faultOf(2, os.constants.errno.EIO), 40)
      await sweep(engine, start, 'helper, ENOSYS, call', faultOf(2, os.constants.errno.ENOSYS), 40)
      await sandbox[Symbol.asyncDispose]()
      continue
    }
    const start = { sandbox, launch: sync => launch(sandbox, sync) }
    const { EIO, ENOSYS } = os.constants.errno
    for (const [name, errno] of [
      ['EIO', EIO],
      ['ENOSYS', ENOSYS],
    ]) {
      await sweep(engine, start, `child, ${name}, call`, faultOf(1, errno), 40)
      await sweep(engine, start, `helper, ${name}, call`, faultOf(2, errno), 40)
    }
    const files = count => binding.setSoftLimit(RLIMIT_NOFILE, count === 0 ? 4096 : 2 + count)
    await sweep(engine, start, 'open files', files, 40)
    await sandbox[Symbol.asyncDispose]()
  }
} finally {
  fs.rmSync(base, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
