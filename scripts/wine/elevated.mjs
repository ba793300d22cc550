/**
 * The helper that starts a runner as another account, and the runner. Wine has no second logon: the shipped helper must refuse there;
 * the test build starts its runner as the user, and everything between the two is as it is on Windows.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'

import { expect, say } from './checks.mjs'
import { frameOf, helpers, requestOf, run, start, tokenOf } from './helper.mjs'
import { family, gone, isAlive, pidsOf } from './trees.mjs'

const binding = createRequire(import.meta.url)(process.env.CASTELLAN_ADDON)
const marker = 'C:\\castellan-started'
const list = 'C:\\castellan-calls'
const touch = ['-e', `require('fs').writeFileSync(${JSON.stringify(marker)}, '')`]
const env = { CASTELLAN_PRETEND: '1' }

function logon(change = {}) {
  const secret = binding.protectSecret(Buffer.from('a password', 'utf16le'), 'machine').toString('base64')
  return {
    ...{ type: 'logon_request', version: 1, account: 'castellan-nobody', account_sid: binding.probe().userSid },
    ...{ secret, runner: helpers.faults, ends_with_request: false, ...change },
  }
}

const commandOf = (args, change = {}) => requestOf(args, { token: tokenOf('elevated'), ...change })

function startElevated(args, { change, request = {}, helper = helpers.faults, variables = env, ...options } = {}) {
  const frames = Buffer.concat([frameOf(logon(change)), frameOf(commandOf(args, request))])
  return start(helper, frames, { mode: 'elevated', env: variables, ...options })
}

async function refused(what, stage, options) {
  rmSync(marker, { force: true })
  const { code, frames } = await startElevated(touch, options).ended
  expect(`${what}: exit code and frames`, [code, frames.map(({ type }) => type)], [126, ['error']])
  expect(`${what}: stage`, frames[0]?.stage, stage)
  expect(`${what}: nothing ran`, existsSync(marker), false)
}

async function refusals() {
  // It does not even come to the logon: Wine does not tell a job's limits, and a job that cannot be read back holds nobody.
  await refused('the shipped helper', 'job', { helper: helpers.shipped, variables: {} })
  for (const [what, change] of [
    ['another version', { version: 2 }],
    ['another type', { type: 'spawn_request' }],
    ['a member that is not known', { domain: 'x' }],
    ['no account', { account: '' }],
    ['an identifier of no account', { account_sid: 'S-1-1-0' }],
    ['a secret that is no base64', { secret: '=' }],
    ['no secret', { secret: '' }],
    ['a relative runner', { runner: 'runner.exe' }],
    ['an end that is no answer', { ends_with_request: 1 }],
  ])
    await refused(what, 'request', { change })
  await refused('a command without a line', 'request', { request: { command_line: '' } })
  await refused('a secret that nobody protected', 'secret', { change: { secret: Buffer.from('x').toString('base64') } })
  const odd = binding.protectSecret(Buffer.from('odd'), 'machine').toString('base64')
  await refused('a password of half a character', 'secret', { change: { secret: odd } })
  await refused('a runner that is not there', 'logon', { change: { runner: 'C:\\no-such-runner.exe' } })
  await refused('a runner that is somebody else', 'account', { change: { account_sid: 'S-1-5-21-1-2-3-4' } })
  await refused('a runner that knows nothing', 'handshake', { change: { runner: process.execPath } })
  const half = await run(helpers.faults, frameOf(logon()), { mode: 'elevated', env })
  expect('a logon without a command', [half.code, half.frames[0]?.stage], [126, 'request'])
}

async function commands() {
  for (const wanted of [0, 3, 0xc0000005]) {
    const { code, frames } = await startElevated(['-e', `process.reallyExit(${wanted | 0})`]).ended
    expect(`exit code ${wanted}`, [code >>> 0, frames.map(({ type }) => type)], [wanted, ['spawn_ready', 'exit']])
  }
  const echo = 'process.stdin.pipe(process.stdout); process.stderr.write("err")'
  const started = startElevated(['-e', echo])
  const long = 'a line of some length\n'.repeat(20_000)
  started.child.stdin.end(long)
  const { stdout, stderr } = await started.ended
  expect('what goes in comes out', [stdout === long, stdout.length, stderr], [true, long.length, 'err'])
  const deaf = startElevated(['-e', 'process.exit(5)'])
  deaf.child.stdin.end(long)
  expect('a command that reads nothing', (await deaf.ended).code, 5)
  const missing = await startElevated([], { request: { program: 'C:\\no-such-program.exe' } }).ended
  expect(
    'no such program',
    [missing.code, missing.frames[0]?.stage, missing.frames[0]?.win32],
    [126, 'create-process', 2],
  )
}

async function familyOf(after, options) {
  const started = startElevated(['-e', family({}) + after], options)
  return { started, pids: await pidsOf(started) }
}

async function trees() {
  const stay = '; setTimeout(() => {}, 120000)'
  const killed = await familyOf(stay)
  expect('a tree of two runs', killed.pids.map(isAlive), [true, true])
  killed.started.child.kill()
  expect('it ends with the helper', await Promise.all(killed.pids.map(gone)), [true, true])
  const left = await familyOf('; process.exit(0)')
  expect(
    'a background process ends with the command',
    [(await left.started.ended).code, await gone(left.pids[1])],
    [0, true],
  )
  const asked = await familyOf(stay, { change: { ends_with_request: true }, keepOpen: true })
  asked.started.request.destroy()
  expect('a tree ends with its host, when that was asked for', (await asked.started.ended).code, 126)
  expect('all of it', await Promise.all(asked.pids.map(gone)), [true, true])
}

/** A server that has the names of the pipes and not the secret: what it asks for is not done. */
async function strangers() {
  const alone = await run(helpers.faults, Buffer.alloc(0), { mode: 'runner', env })
  expect('a runner that is started by hand', alone.code, 126)
  rmSync(marker, { force: true })
  const name = 'castellan-stranger'
  const servers = []
  const listen = (ending, act) =>
    new Promise((resolve, reject) => {
      const server = createServer(act).once('error', reject).listen(`\\\\.\\pipe\\${name}-${ending}`, resolve)
      servers.push(server)
    })
  let heard = ''
  await listen('from', socket => socket.on('data', bytes => (heard += bytes)).on('error', () => {}))
  await listen('to', socket => {
    socket.on('error', () => {})
    socket.write(frameOf({ type: 'welcome', version: 1, nonce: 'wrong' }))
    socket.write(frameOf(commandOf(touch)))
  })
  const words = ['--pipe', name, '--nonce', 'ab'.repeat(32), '--account', binding.probe().userSid]
  const { spawn } = await import('node:child_process')
  const runner = spawn(helpers.faults, ['runner', ...words], { stdio: 'ignore', env: { ...process.env, ...env } })
  const code = await new Promise(resolve => runner.once('exit', resolve))
  for (const server of servers) server.close()
  expect('a runner that is asked by a stranger', [code, existsSync(marker)], [126, false])
  expect('it said its half of the secret, and nothing else', /"hello"/.test(heard) && !/spawn_ready/.test(heard), true)
}

async function attempt(ordinal, isRunner) {
  for (const file of [marker, list]) rmSync(file, { force: true })
  const variables = { ...env, CASTELLAN_FAULT: String(ordinal), CASTELLAN_FAULT_LIST: list }
  if (isRunner) variables.CASTELLAN_FAULT_RUNNER = '1'
  const result = await startElevated(touch, { variables }).ended
  return { ...result, calls: readFileSync(list, 'utf8').trim().split('\n'), ran: existsSync(marker) }
}

/** How many calls there are until a command may run: in the runner until it lets it go, in the helper until the request was sent. */
function lastBefore(calls, isRunner) {
  if (isRunner) return calls.indexOf('ResumeThread') + 1
  return calls.indexOf('WriteFile', calls.indexOf('SetEvent')) + 1
}

export async function elevatedFaultChecks() {
  for (const isRunner of [false, true]) {
    const who = isRunner ? 'runner' : 'helper'
    const whole = await attempt(0, isRunner)
    expect(`with no failure in the ${who} the command runs`, [whole.code, whole.ran], [0, true])
    const most = lastBefore(whole.calls, isRunner)
    expect(`there are calls of the ${who}`, most, count => count > 20)
    for (let ordinal = 1; ordinal <= most; ordinal++) {
      const { code, frames, ran, calls } = await attempt(ordinal, isRunner)
      // Threads take turns: which call it was is asked of this run.
      const before = lastBefore(calls.slice(0, ordinal), isRunner)
      if (before > 0 && before < ordinal) continue
      // With the handshake done a thread reads on, for a word that ends the tree: no step on the way to the command.
      if (!isRunner && calls[ordinal - 1] === 'ReadFile' && calls.slice(0, ordinal).includes('SetEvent')) continue
      const what = `call ${ordinal} of the ${who} (${calls.at(ordinal - 1)}) fails`
      expect(
        `${what}: nothing ran`,
        [code, ran, frames.some(({ type }) => type === 'spawn_ready')],
        [126, false, false],
      )
    }
    say(`       ${most} calls of the ${who}: ${[...new Set(whole.calls.slice(0, most))].join(', ')}`)
  }
}

export async function elevatedChecks() {
  for (const part of [refusals, commands, trees, strangers]) await part()
}
