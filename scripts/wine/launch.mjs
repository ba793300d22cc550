/**
 * The way to a command, with the test build of the helper, which believes what it asked of the token: jobs, handles, words,
 * environment and exit codes are real under Wine. The restriction is not.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'

import { expect } from './checks.mjs'
import { helpers, requestOf, run, start } from './helper.mjs'
import { family, gone, isAlive, pidsOf } from './trees.mjs'

const env = { CASTELLAN_PRETEND: '1' }
const printArguments = 'process.stdout.write(JSON.stringify(process.argv.slice(1)))'

/** Arguments that quoting gets wrong in most hands. */
const hard = [
  '',
  ' ',
  'a b',
  '"',
  '\\',
  '\\\\',
  'a\\',
  'a \\',
  '\\"',
  '\\\\"',
  'a"b c"d',
  '\\\\server\\share\\',
  'C:\\Program Files\\',
  'tab\tnewline\nreturn\r',
  '%PATH%',
  '^&|<>()!',
  "'single'",
  '*?[a]',
  '-e',
  '--',
  'ä € 𝄞',
  '\ud800',
]

/** A small generator with a fixed seed: the same arguments every time. */
function* arbitraryArguments(count) {
  let state = 12_345
  const next = limit => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 16) % limit
  }
  const alphabet = ['a', ' ', '"', '\\', '\\', '"', '\t', '%', '^', 'é', "'", '&']
  for (let index = 0; index < count; index++) {
    yield Array.from({ length: 1 + next(5) }, () =>
      Array.from({ length: next(8) }, () => alphabet[next(alphabet.length)]).join(''),
    )
  }
}

async function quoting() {
  const lists = [hard.slice(0, -1), ...arbitraryArguments(12)]
  for (const args of lists) {
    const { code, stdout } = await run(helpers.faults, requestOf(['-e', printArguments, '--', ...args]), { env })
    expect(`arguments come as they went: ${JSON.stringify(args)}`, [code, stdout && JSON.parse(stdout)], [0, args])
  }
}

async function environment() {
  const given = {
    b: '2',
    A: '1',
    Ä: 'ö',
    'ProgramFiles(x86)': 'x',
    empty: '',
    '=C:': 'C:\\',
    SystemRoot: 'C:\\windows',
  }
  const print = 'process.stdout.write(JSON.stringify(process.env))'
  const { stdout } = await run(helpers.faults, requestOf(['-e', print], { environment: given }), { env })
  const found = JSON.parse(stdout)
  for (const [name, value] of Object.entries(given)) {
    if (!name.startsWith('=')) expect(`the variable ${name}`, found[name], value)
  }
  expect("nothing of the helper's environment", 'CASTELLAN_PRETEND' in found, false)
}

async function exitCodes() {
  for (const code of [0, 1, 126, 127, 255, 256, 0x7fff_ffff, 0xc000_0005]) {
    const request = requestOf(['-e', `process.reallyExit(${code | 0})`])
    const { code: found, frames } = await run(helpers.faults, request, { env })
    expect(`exit code ${code}`, found >>> 0, code)
    expect(`exit code ${code}, as it is told`, frames.at(-1), { type: 'exit', version: 1, code })
    expect(
      `exit code ${code}: frames`,
      frames.map(frame => frame.type),
      ['spawn_ready', 'exit'],
    )
  }
}

async function streams() {
  const echo = 'process.stdin.pipe(process.stdout); process.stderr.write("err")'
  const started = start(helpers.faults, requestOf(['-e', echo]), { env })
  started.child.stdin.end('through')
  const { stdout, stderr } = await started.ended
  expect('streams', [stdout, stderr], ['through', 'err'])

  // The helper's own two descriptors are 4 and 5 here, the command's is 3.
  const look = `
    const fs = require('fs')
    fs.writeSync(3, 'three')
    const open = fd => { try { fs.fstatSync(fd); return true } catch { return false } }
    process.stdout.write(JSON.stringify([open(3), open(4), open(5)]))`
  const more = start(helpers.faults, requestOf(['-e', look]), { env, extra: ['pipe'] })
  let third = ''
  more.child.stdio[3].setEncoding('utf8').on('data', text => (third += text))
  const { stdout: open } = await more.ended
  expect('a descriptor of the command', third, 'three')
  expect("the helper's descriptors do not reach the command", JSON.parse(open), [true, false, false])
}

async function familyOf(after, change, options) {
  const words = ['-e', family({ detached: true }) + after]
  const started = start(helpers.faults, requestOf(words, change), { env, ...options })
  return { started, pids: await pidsOf(started) }
}

async function trees() {
  const stay = '; setTimeout(() => {}, 120000)'
  {
    const { started, pids } = await familyOf(stay, {}, {})
    expect('a tree of two runs', pids.map(isAlive), [true, true])
    started.child.kill()
    expect('it ends with the helper', await Promise.all(pids.map(gone)), [true, true])
  }
  {
    const { started, pids } = await familyOf('', {}, {})
    const { code } = await started.ended
    expect('a background process ends with the command', [code, await gone(pids[1])], [0, true])
  }
  {
    const { started, pids } = await familyOf(stay, {}, { keepOpen: true })
    started.send({ type: 'terminate', version: 1, code: 77 })
    const { code, frames } = await started.ended
    expect('a tree is ended by a word', [code, frames.at(-1)?.code], [77, 77])
    expect('all of it', await Promise.all(pids.map(gone)), [true, true])
  }
  {
    const { started, pids } = await familyOf(stay, { ends_with_request: true }, { keepOpen: true })
    started.request.destroy()
    const { code } = await started.ended
    expect('a tree ends with its host, when that was asked for', code, 1)
    expect('all of it', await Promise.all(pids.map(gone)), [true, true])
  }
  {
    const { started, pids } = await familyOf(stay, {}, { keepOpen: true })
    started.request.write(Buffer.from([3, 0, 0, 0, 0x7b, 0x7d, 0x7d]))
    expect('a word that is none ends it as well', (await started.ended).code, 1)
    expect('all of it', await Promise.all(pids.map(gone)), [true, true])
  }
}

async function missing() {
  const request = requestOf([], { program: 'C:\\no-such-program.exe' })
  const { code, frames } = await run(helpers.faults, request, { env })
  expect(
    'a program that is not there',
    [code, frames.map(({ type, stage, win32 }) => [type, stage, win32])],
    [126, [['error', 'create-process', 2]]],
  )
  const marker = 'C:\\castellan-cwd'
  rmSync(marker, { force: true })
  const there = requestOf(['-e', `require('fs').writeFileSync(${JSON.stringify(marker)}, process.cwd())`], {
    cwd: 'C:\\windows',
  })
  await run(helpers.faults, there, { env })
  expect('the working directory', existsSync(marker) && readFileSync(marker, 'utf8').toLowerCase(), 'c:\\windows')
  const nowhere = await run(helpers.faults, requestOf([], { cwd: 'C:\\no-such-directory' }), { env })
  expect('a working directory that is not there', [nowhere.code, nowhere.frames[0]?.stage], [126, 'create-process'])
  const byHand = spawn(helpers.shipped, ['run'], { stdio: 'ignore' })
  expect('a helper that is started by hand', await new Promise(done => byHand.on('exit', done)), 126)
}

export async function launchChecks() {
  for (const part of [exitCodes, environment, streams, trees, missing, quoting]) await part()
}
