#!/usr/bin/env node
// npm run stress -- [--launches 50000] [--engines landlock,namespace,shared] [--at-once 8] [--seed N] [--sanitize]
//
// Many launches in one host while commands are aborted, run into time limits and are killed: also from outside, where the
// killer takes any child of the host, the guard as well; and while worker threads with commands in flight are terminated. In
// the end the host itself is killed. Then nothing may be left: no process, descriptor, mount, nor anything in the workspace,
// and no command may have written outside of it. The launches are shared out between the engines; `shared` is `namespace`
// without a PID namespace. `--sanitize`: with AddressSanitizer and UndefinedBehaviorSanitizer in the addon (test/sanitize).
// Runs against dist. Prints `N passed, M failed` and ends with 1 when something failed.
import { fork } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { sanitizedAddon } from '../sanitize/addon.mjs'

const { values: options } = parseArgs({
  options: {
    launches: { type: 'string', default: '50000' },
    engines: { type: 'string', default: 'landlock,namespace,shared' },
    'at-once': { type: 'string', default: '8' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    sanitize: { type: 'boolean', default: false },
  },
})
const linux = {
  landlock: { engines: ['landlock'], bubblewrap: 'never' },
  namespace: { engines: ['namespace'], bubblewrap: 'never' },
  shared: { engines: ['namespace'], bubblewrap: 'never', processes: 'shared' },
}
const engines = options.engines.split(',')
const launches = Math.ceil(Number(options.launches) / engines.length)
const seed = Number(options.seed)
const sanitized = options.sanitize ? sanitizedAddon({ build: true }) : null

let passed = 0
let failed = 0
function check(what, holds) {
  if (holds) passed++
  else failed++
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${what}`)
}

/** Waits until it holds; generously, because the machine may be busy. */
async function until(holds) {
  for (const end = performance.now() + 30_000; performance.now() < end; await pause(50)) if (holds()) return true
  return holds()
}

const childrenOf = pid =>
  fs
    .readdirSync(`/proc/${pid}/task`)
    .flatMap(task => read(`/proc/${pid}/task/${task}/children`).trim().split(' ').filter(Boolean))

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/**
 * How many of each kind, without the modules of JavaScript: Node.js leaves the one open that a worker thread was loading when it
 * was terminated.
 */
function descriptorsOf(pid) {
  const kinds = {}
  for (const fd of fs.readdirSync(`/proc/${pid}/fd`)) {
    try {
      const kind = fs.readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/:?\[.*/, '')
      if (!/\.(m?js|json)$/.test(kind)) kinds[kind] = (kinds[kind] ?? 0) + 1
    } catch {
      // It was closed meanwhile.
    }
  }
  return kinds
}

/** Of a kind; what is opened once and late. A leak is one for each so many launches. */
const late = 2

function added(before, after) {
  return Object.keys(after)
    .filter(kind => after[kind] > (before[kind] ?? 0) + late)
    .map(kind => `${kind} ${before[kind] ?? 0} -> ${after[kind]}`)
}

/** Processes that run with this word on their command line, which zombies do not have any more. */
const naming = word =>
  fs.readdirSync('/proc').filter(name => /^\d+$/.test(name) && read(`/proc/${name}/cmdline`).split('\0').includes(word))

const message = child =>
  new Promise((resolve, reject) => {
    const ended = (code, signal) => reject(new Error(`the host ended with ${code ?? signal}`))
    child.once('exit', ended)
    child.once('message', value => {
      child.removeListener('exit', ended)
      resolve(value)
    })
  })

/** Kills children of the host, one every 50 ms or so, until it is told to stop. Says how many. */
function startKiller(pid) {
  let killed = 0
  const timer = setInterval(() => {
    const children = childrenOf(pid)
    if (children.length === 0) return
    try {
      process.kill(Number(children[Math.floor(Math.random() * children.length)]), 'SIGKILL')
      killed++
    } catch {
      // It ended meanwhile.
    }
  }, 50)
  return () => {
    clearInterval(timer)
    return killed
  }
}

async function stress(engine) {
  const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'castellan-stress-')))
  const workspace = path.join(base, 'workspace')
  const outside = path.join(base, 'outside')
  for (const folder of [workspace, outside]) fs.mkdirSync(folder)
  const seconds = `${200_000 + (process.pid % 100_000)}.${engines.indexOf(engine)}${seed % 10_000}`
  const policy = {
    type: 'workspace-write',
    writable_roots: [],
    network_access: false,
    exclude_tmpdir_env_var: true,
    exclude_slash_tmp: true,
  }
  const job = {
    dist: new URL('../../dist/index.js', import.meta.url).href,
    options: { policy, cwd: workspace, linux: linux[engine] },
    ...{ outside, seconds, seed, launches, atOnce: Number(options['at-once']) },
  }
  const mounts = read('/proc/self/mountinfo')
  const host = fork(fileURLToPath(new URL('host.mjs', import.meta.url)), {
    cwd: base,
    env: sanitized?.env ?? process.env,
  })
  const ended = new Promise(resolve => host.once('exit', resolve))
  try {
    await message(host)
    host.send(job)
    await message(host)
    await until(() => childrenOf(host.pid).length <= 1)
    const before = descriptorsOf(host.pid)
    const stopKiller = startKiller(host.pid)
    const { counts, workers } = await message(host).finally(() => {
      check(`${engine}: children of the host were killed: ${stopKiller()}`, true)
    })
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
    const bad = Object.keys(counts).filter(outcome => outcome.startsWith('failed'))
    console.log(`     ${engine}: ${JSON.stringify(counts)}, ${workers} workers terminated`)
    check(`${engine}: ${total} launches ended as they may`, total === launches && bad.length === 0)
    check(`${engine}: no child is left but the guard`, await until(() => childrenOf(host.pid).length <= 1))
    const left = () => added(before, descriptorsOf(host.pid))
    await until(() => left().length === 0)
    check(`${engine}: descriptors left: ${left().join(', ') || 'none'}`, left().length === 0)
    check(`${engine}: no process of a command is left`, await until(() => naming(seconds).length === 0))
    check(`${engine}: nothing is left in the workspace`, await until(() => fs.readdirSync(workspace).length === 0))
    host.send('go on')
    await pause(500)
    host.kill('SIGKILL')
    await ended
    check(`${engine}: no process outlives a killed host`, await until(() => naming(seconds).length === 0))
    check(`${engine}: nor does a placeholder`, await until(() => fs.readdirSync(workspace).length === 0))
    check(`${engine}: nothing was written outside the workspace`, fs.readdirSync(outside).length === 0)
    check(`${engine}: the mounts are what they were`, read('/proc/self/mountinfo') === mounts)
  } catch (error) {
    check(`${engine}: ${error.message}`, false)
  } finally {
    host.kill('SIGKILL')
    await ended
    fs.rmSync(base, { recursive: true, force: true })
  }
}

console.log(`seed ${seed}, ${launches} launches per engine, Node ${process.version}, user ${process.geteuid()}`)
for (const engine of engines) await stress(engine)
if (sanitized !== null) {
  const findings = sanitized.findings()
  for (const finding of findings) console.log(finding)
  check(`${findings.length} findings of the sanitizers`, findings.length === 0)
  sanitized.remove()
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
