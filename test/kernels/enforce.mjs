#!/usr/bin/env node
// Asks the kernel it runs on whether commands are held, engine by engine, with nothing but the built library: inside the
// virtual machines of `npm run kernels`, and below a filter that takes system calls away (test/enforcement).
//
//   node enforce.mjs --castellan MODULE --probe PROGRAM --engines namespace,bwrap,landlock
//
// --engines: those that must be usable here, strongest first; `none` for none. Every other one must refuse, and so must the
// default where there is none: never an open run. --probe: test/enforcement/support/probe.c, compiled. Prints a line per
// check and `N passed, M failed`; ends with 1 when one failed.
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: { castellan: { type: 'string' }, probe: { type: 'string' }, engines: { type: 'string' } },
})
const { createSandbox, doctor, policies } = await import(pathToFileURL(path.resolve(options.castellan)).href)
const expected = options.engines === 'none' ? [] : options.engines.split(',')
const names = ['namespace', 'bwrap', 'landlock']
const only = {
  namespace: { engines: ['namespace'], bubblewrap: 'never' },
  bwrap: { engines: ['bwrap'], bubblewrap: 'require' },
  landlock: { engines: ['landlock'], bubblewrap: 'never' },
}

let passed = 0
let failed = 0
function check(what, holds, detail = '') {
  if (holds) passed++
  else failed++
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${what}${holds || detail === '' ? '' : `: ${detail}`}`)
}

const refusals = new Set(['EACCES', 'EPERM', 'EROFS', 'EXDEV', 'EBUSY', 'ENXIO', 'ESRCH', 'EEXIST', 'ENOENT'])

/** Rows of operation and `allow`, `deny` or a plan limit that makes `allow` of `deny`. Read ENOENT as gone, not as denied. */
async function ask(label, sandbox, rows) {
  const limits = new Set(sandbox.plan.limits.map(({ code }) => code))
  const result = await sandbox.run(
    probe,
    rows.map(([operation]) => operation),
    { timeout: 120_000 },
  )
  const answers = String(result.stdout).split('\n').slice(0, -1)
  check(`${label}: every operation was tried`, answers.length === rows.length, `${result.exitCode} ${result.stderr}`)
  rows.forEach(([operation, wanted], index) => {
    const answer = answers[index] ?? 'nothing'
    const allowed = wanted === 'allow' || limits.has(wanted)
    const right = allowed ? answer === 'ok' || answer.startsWith('ok:') : refusals.has(answer)
    check(`${label}: ${operation.replaceAll(base, '')} ${allowed ? 'goes through' : 'is refused'}`, right, answer)
  })
}

async function refusalOf(sandboxOptions) {
  try {
    const sandbox = await createSandbox(sandboxOptions)
    const { engine } = sandbox.plan
    await sandbox[Symbol.asyncDispose]()
    return `held by ${engine}`
  } catch (error) {
    return error.code ?? String(error)
  }
}

const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'castellan-enforce-')))
const at = (...parts) => path.join(base, ...parts)
const probe = at('probe')
const put = (file, text) => {
  fs.mkdirSync(path.dirname(at(file)), { recursive: true })
  fs.writeFileSync(at(file), text)
}
fs.copyFileSync(options.probe, probe)
fs.chmodSync(probe, 0o755)

const connections = []
const server = net.createServer(socket => socket.destroy(connections.push(1)))
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
const victim = spawn('sleep', ['600'], { stdio: 'ignore' })

/** Places of other file systems in which this user could make something now. */
function writableMounts() {
  const places = fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter(Boolean)
  const found = places.map(line => line.split(' ')[4]).filter(place => !/^\/(proc|sys|dev)(\/|$)|\\/.test(place))
  return [...new Set(found)].filter(place => {
    try {
      fs.rmdirSync(fs.mkdtempSync(path.join(place, 'castellan-w-')))
      return true
    } catch {
      return false
    }
  })
}

const entry = (place, access) => ({ path: { type: 'path', path: place }, access })
const special = (kind, access) => ({ path: { type: 'special', value: { kind } }, access })
const split = (...entries) => ({ fileSystem: { kind: 'restricted', entries }, network: 'restricted' })
const workspace = policies.workspaceWrite({ excludeSlashTmp: true, excludeTmpdirEnvVar: true })

async function workspaceHolds(engine) {
  const ws = at(engine)
  put(`${engine}/file`, 'text')
  put(`${engine}/.git/config`, 'text')
  put('outside/file', 'text')
  const sandbox = await createSandbox({ policy: workspace, cwd: ws, linux: only[engine] })
  const cuts = sandbox.plan.limits.some(({ code }) => code === 'truncate')
  check(`${engine}: is what holds the plan`, sandbox.plan.engine === engine, sandbox.plan.engine)
  const mounts = writableMounts().map(place => [`mkdir|${path.join(place, `castellan-${engine}-was-here`)}`, 'deny'])
  await ask(engine, sandbox, [
    [`create|${ws}/new`, 'allow'],
    [`append|${ws}/file`, 'allow'],
    [`read|${at('outside/file')}`, 'allow'],
    [`create|${at('outside/new')}`, 'deny'],
    [`append|${at('outside/file')}`, 'deny'],
    [`rename|${at('outside/file')}|${at('outside/other')}`, 'deny'],
    [`unlink|${at('outside/file')}`, 'deny'],
    [`link|${at('outside/file')}|${ws}/linked`, 'deny'],
    [`truncate|${at('outside/file')}`, 'truncate'],
    [`chmod|${at('outside/file')}|777`, 'metadata-outside-roots'],
    [`append|${ws}/.git/config`, 'protected-paths'],
    [`create|${ws}/.git/hook`, 'protected-paths'],
    [`mkdir|${ws}/.codex/x`, 'deny'],
    [`tcp4|${server.address().port}`, 'deny'],
    ['unshare|10000000', 'deny'],
    ['umount|/proc', 'deny'],
    ['mount-tmpfs|/tmp', 'deny'],
    [`remount|${ws}`, 'deny'],
    ['remount|/', 'deny'],
    [`signal|${victim.pid}|0`, 'signals'],
    [`ptrace-attach|${victim.pid}`, 'deny'],
    ...mounts,
  ])
  await sandbox[Symbol.asyncDispose]()
  const left = ['.codex', '.agents'].filter(name => engine !== 'landlock' && fs.existsSync(path.join(ws, name)))
  check(`${engine}: nothing of the sandbox is left in the workspace`, left.length === 0, left.join())
  check(`${engine}: no connection was made`, connections.length === 0, String(connections.length))
  const text = fs.readFileSync(at('outside/file'), 'utf8')
  check(`${engine}: what is outside is as it was`, text === 'text' || (cuts && text === ''), text)
}

async function carveOutsHold(engine) {
  const ws = at(`${engine}-split`)
  for (const name of ['denied/file', 'denied/open/file', 'denied/seen/file', 'secret', 'free', 'readonly/file'])
    put(`${engine}-split/${name}`, 'text')
  const policy = split(
    special('root', 'read'),
    entry(ws, 'write'),
    entry(`${ws}/denied`, 'none'),
    entry(`${ws}/denied/open`, 'write'),
    entry(`${ws}/denied/seen`, 'read'),
    entry(`${ws}/readonly`, 'read'),
    entry(`${ws}/secret`, 'none'),
    entry(`${ws}/missing`, 'none'),
  )
  const question = { policy, cwd: ws, linux: only[engine] }
  if (engine === 'landlock') {
    const answer = await refusalOf(question)
    check(`${engine}: carve-outs are refused`, answer === 'ERR_POLICY_NOT_ENFORCEABLE', answer)
    return
  }
  const sandbox = await createSandbox(question)
  await ask(`${engine} carve-outs`, sandbox, [
    [`append|${ws}/free`, 'allow'],
    [`read|${ws}/denied/file`, 'deny'],
    [`list|${ws}/denied`, 'deny'],
    [`create|${ws}/denied/new`, 'deny'],
    [`read|${ws}/denied/seen/file`, 'allow'],
    [`append|${ws}/denied/seen/file`, 'deny'],
    [`append|${ws}/denied/open/file`, 'allow'],
    [`create|${ws}/denied/open/new`, 'allow'],
    [`read|${ws}/secret`, 'deny'],
    [`append|${ws}/secret`, 'deny'],
    [`unlink|${ws}/secret`, 'deny'],
    [`rename|${ws}/denied|${ws}/moved`, 'deny'],
    [`read|${ws}/readonly/file`, 'allow'],
    [`append|${ws}/readonly/file`, 'deny'],
    [`create|${ws}/missing/new`, 'deny'],
  ])
  await sandbox[Symbol.asyncDispose]()
  check(`${engine} carve-outs: nothing stands for what is missing`, !fs.existsSync(`${ws}/missing`))
}

/** Nothing but these can be read. The library's own files and the shell are not among them. */
async function emptyRootHolds(engine) {
  const ws = at(`${engine}-empty`)
  put(`${engine}-empty/file`, 'text')
  put('outside/secret', 'text')
  const policy = split(entry(ws, 'write'), entry(probe, 'read'))
  const sandbox = await createSandbox({ policy, cwd: ws, linux: only[engine] })
  await ask(`${engine} empty root`, sandbox, [
    [`append|${ws}/file`, 'allow'],
    [`read|${ws}/file`, 'allow'],
    [`read|${at('outside/secret')}`, 'deny'],
    ['read|/etc/passwd', 'deny'],
    ['create|/new', 'deny'],
  ])
  await sandbox[Symbol.asyncDispose]()
}

/** A root that became a link after the plan was made: by `wrap`, whose plan is the one of the call. bwrap cannot be wrapped. */
async function linksAreNotFollowed(engine) {
  if (engine === 'bwrap') return
  const ws = at(`${engine}-link`)
  put(`${engine}-link/file`, 'text')
  const elsewhere = at(`${engine}-elsewhere`)
  fs.mkdirSync(elsewhere)
  const sandbox = await createSandbox({ policy: workspace, cwd: ws, linux: only[engine] })
  const start = () => {
    const { file, args, env } = sandbox.wrap(probe, [`create|${ws}/planted`])
    return () => spawnSync(file, args, { env, cwd: '/', encoding: 'utf8' })
  }
  check(`${engine}: a wrapped command runs`, start()().stdout === 'ok\n')
  const late = start()
  fs.renameSync(ws, `${ws}-moved`)
  fs.symlinkSync(elsewhere, ws)
  const { status, stderr } = late()
  check(`${engine}: a root that became a link stops the launch`, status === 125, `${status} ${stderr}`)
  check(`${engine}: nothing was made behind the link`, fs.readdirSync(elsewhere).length === 0)
  await sandbox[Symbol.asyncDispose]()
}

/** A process that confines itself: with its other threads, and in place where the kernel and its capabilities allow that. */
function processesConfineThemselves(engine, abi) {
  if (engine !== 'landlock') return
  put('restrict/file', 'text')
  const script = at('restrict.mjs')
  const own = [path.resolve(options.castellan), at('restrict'), at('planted'), at('starts')].map(text =>
    JSON.stringify(text),
  )
  fs.writeFileSync(
    script,
    `import { policies, restrictCurrentProcess } from ${own[0]}
import fs from 'node:fs'
await fs.promises.readFile(${own[1]} + '/file')
try { fs.appendFileSync(${own[3]}, 'x') } catch {}
const policy = policies.workspaceWrite({ excludeSlashTmp: true, excludeTmpdirEnvVar: true })
restrictCurrentProcess({ policy, cwd: ${own[1]} })
restrictCurrentProcess({ policy, cwd: ${own[1]} })
const attempt = act => { try { act(); return 'done' } catch (error) { return error.code ?? error.message } }
const many = Array.from({ length: 8 }, () => fs.promises.writeFile(${own[2]}, 'x').then(() => 'done', error => error.code))
const { execFileSync } = await import('node:child_process')
console.log(JSON.stringify({
  inside: attempt(() => fs.writeFileSync(${own[1]} + '/new', 'x')),
  outside: attempt(() => fs.writeFileSync(${own[2]}, 'x')),
  pool: [...new Set(await Promise.all(many))].join(),
  child: attempt(() => execFileSync('sh', ['-c', 'echo x >' + ${own[2]}], { stdio: 'ignore' })) !== 'done',
  again: attempt(() => restrictCurrentProcess({ policy: policies.readOnly(), cwd: ${own[1]} })),
  filtered: [...new Set(fs.readdirSync('/proc/self/task').map(thread => /^Seccomp:\\s+(.)$/m.exec(fs.readFileSync('/proc/self/task/' + thread + '/status', 'utf8'))[1]))].join(),
  inPlace: process.env.CASTELLAN_RESTRICTED === undefined,
}))`,
  )
  const { stdout, stderr, status } = spawnSync(process.execPath, [script], { encoding: 'utf8', cwd: '/' })
  const wanted = { inside: 'done', outside: 'EACCES', pool: 'EACCES', child: true, again: 'ERR_LAUNCH', filtered: '2' }
  const inPlace = abi >= 8 && process.getuid() !== 0
  const right = JSON.stringify({ ...wanted, inPlace }) === stdout.trim()
  const how = inPlace ? 'in place' : 'by beginning again'
  check(`a process confines itself with every thread, ${how}`, right, `${status} ${stdout} ${stderr}`)
  check('a process that confined itself wrote nothing outside', !fs.existsSync(at('planted')))
  check('a process that confines itself begins as often as it should', fs.readFileSync(at('starts'), 'utf8') === 'x')
}

function processesNamed(argument) {
  return fs.readdirSync('/proc').filter(pid => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(argument)
    } catch {
      return false
    }
  })
}

async function isGone(argument) {
  for (let round = 0; round < 600; round++) {
    if (processesNamed(argument).length === 0) return true
    await pause(100)
  }
  return false
}

async function treesEnd(engine) {
  const ws = at(engine)
  const sandbox = await createSandbox({ policy: workspace, cwd: ws, linux: only[engine] })
  const background = `3145${names.indexOf(engine)}71`
  await sandbox.run('sh', ['-c', `sleep ${background} >/dev/null 2>&1 & echo started`], { timeout: 120_000 })
  check(`${engine}: what a command leaves in the background ends with it`, await isGone(background))
  const late = `2718${names.indexOf(engine)}28`
  const result = await sandbox.run('sh', ['-c', `sleep ${late} & sleep ${late}`], { timeout: 3000 })
  check(`${engine}: a time limit fires`, result.timedOut === true)
  check(`${engine}: and ends the whole tree`, await isGone(late))
  const failing = await sandbox.run('sh', ['-c', 'exit 42'], { timeout: 120_000 })
  check(`${engine}: an exit code is the command's own`, failing.exitCode === 42, String(failing.exitCode))
  await sandbox[Symbol.asyncDispose]()
}

try {
  const report = await doctor()
  const { landlock, kernelRelease } = report.capabilities
  console.log(`kernel ${kernelRelease} landlock ${landlock.abi} uid ${process.getuid()}`)
  for (const { engine, usable, reason } of report.engines) {
    check(
      `doctor: ${engine} is ${expected.includes(engine) ? '' : 'not '}usable`,
      usable === expected.includes(engine),
      reason,
    )
  }
  fs.mkdirSync(at('default'))
  const chosen = await refusalOf({ policy: workspace, cwd: at('default') })
  const first = expected.length === 0 ? 'ERR_BACKEND_UNAVAILABLE' : `held by ${expected[0]}`
  check(`default: ${first}`, chosen === first, chosen)
  for (const engine of names) {
    if (!expected.includes(engine)) {
      fs.mkdirSync(at(engine))
      const answer = await refusalOf({ policy: workspace, cwd: at(engine), linux: only[engine] })
      check(`${engine}: is refused`, answer === 'ERR_BACKEND_UNAVAILABLE', answer)
      continue
    }
    for (const part of [
      workspaceHolds,
      carveOutsHold,
      emptyRootHolds,
      linksAreNotFollowed,
      treesEnd,
      processesConfineThemselves,
    ]) {
      await Promise.resolve(part(engine, landlock.abi)).catch(error =>
        check(`${engine}: ${part.name}`, false, `${error.code} ${error.message}`),
      )
    }
  }
} finally {
  server.close()
  victim.kill('SIGKILL')
  fs.rmSync(base, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
