/**
 * What the helper that is shipped does where CreateRestrictedToken answers that it did what it did not: it reads the token
 * back, sees no restriction, and starts nothing. Also every request that it must not carry out.
 */
import { existsSync, rmSync } from 'node:fs'

import { expect } from './checks.mjs'
import { helpers, requestOf, run } from './helper.mjs'

const marker = 'C:\\castellan-started'
const touch = ['-e', `require('fs').writeFileSync(${JSON.stringify(marker)}, '')`]

async function refused(what, request, stage, message, options) {
  rmSync(marker, { force: true })
  const { code, frames, stdout } = await run(helpers.shipped, request, options)
  expect(`${what}: exit code`, code, 126)
  expect(`${what}: one frame`, frames.length, 1)
  expect(`${what}: stage`, frames[0]?.stage, stage)
  if (message !== undefined) expect(`${what}: message`, frames[0]?.message, text => text.includes(message))
  expect(`${what}: nothing ran`, [existsSync(marker), stdout], [false, ''])
  return frames[0]
}

const frameOf = text => {
  const bytes = Buffer.alloc(4 + Buffer.byteLength(text))
  bytes.writeUInt32LE(bytes.length - 4)
  bytes.write(text, 4)
  return bytes
}

export async function refusalChecks() {
  for (const mode of ['run', 'check']) {
    const frame = await refused(`a token of Wine (${mode})`, requestOf(touch), 'verify-token', 'another token', {
      mode,
    })
    expect('the report: not restricted', frame?.report?.restricted, false)
    expect('the report: identifiers', frame?.report?.restrictingSids, [])
    expect('the report: privileges are left', frame?.report?.privileges, names => names?.length > 1)
  }
  const good = requestOf(touch)
  const token = good.token
  const bad = [
    ['another version', { ...good, version: 2 }, 'version'],
    ['another type', { ...good, type: 'exit' }, 'no request'],
    ['a member that is not known', { ...good, unconfined: true }, 'not known'],
    ['a relative program', { ...good, program: 'node.exe' }, 'absolute'],
    ['a batch file', { ...good, program: 'C:\\a.cmd' }, 'batch'],
    ['a batch file with a dot behind', { ...good, program: 'C:\\a.BAT. ' }, 'batch'],
    ['no command line', { ...good, command_line: '' }, 'command line'],
    ['a command line that is too long', { ...good, command_line: 'a'.repeat(32_767) }, 'command line'],
    ['a relative directory', { ...good, cwd: 'a' }, 'directory'],
    ['two spellings of a variable', { ...good, environment: { Path: 'a', PATH: 'b' } }, 'twice'],
    ['a variable without a name', { ...good, environment: { '': 'a' } }, 'no name'],
    ['a variable with an equals sign', { ...good, environment: { 'a=b': 'c' } }, 'equals'],
    ['no flags', { ...good, token: { ...token, flags: 0 } }, 'flags'],
    ['fewer flags', { ...good, token: { ...token, flags: 5 } }, 'flags'],
    ['no restricting identifiers', { ...good, token: { ...token, restricting: [] } }, 'restricting'],
    ['a role without an identifier', { ...good, sids: {} }, 'restricting'],
    ["an account's identifier", { ...good, sids: { workspace: 'S-1-5-21-1-2-3-1001-5' } }, 'restricting'],
    ["everybody's, as a capability", { ...good, sids: { workspace: 'S-1-1-0' } }, 'restricting'],
    ['the user as a restriction', { ...good, token: { ...token, restricting: ['account', 'logon'] } }, 'the user'],
    ['the user in the default list', { ...good, token: { ...token, defaultDacl: ['account'] } }, 'the user'],
    ['a high integrity level', { ...good, token: { ...token, integrity: 'high' } }, 'integrity'],
    ['a privilege', { ...good, token: { ...token, privileges: ['SeDebugPrivilege'] } }, 'privileges'],
    ['a desktop that is no answer', { ...good, private_desktop: 1 }, 'desktop'],
    ['a list', frameOf('[]'), 'no message'],
    ['no JSON', frameOf('{"type":}'), 'no JSON'],
    ['a name twice', frameOf(JSON.stringify(good).replace('{', '{"cwd":"C:\\\\",')), 'no JSON'],
    ['something behind', frameOf(`${JSON.stringify(good)}1`), 'no JSON'],
    ['a NUL in a text', { ...good, program: 'C:\\a\0b' }, 'no JSON'],
    ['text that is no UTF-8', Buffer.concat([Buffer.from([3, 0, 0, 0]), Buffer.from([0x22, 0xff, 0x22])]), 'no JSON'],
    ['deep nesting', frameOf('['.repeat(100_000)), 'no JSON'],
    ['a length that is too long', Buffer.from([0xff, 0xff, 0xff, 0x7f]), 'too long'],
    ['half a length', Buffer.from([1, 0]), undefined],
    ['half a frame', frameOf(JSON.stringify(good)).subarray(0, 40), undefined],
    ['nothing', Buffer.alloc(0), 'none'],
  ]
  for (const [what, request, message] of bad) await refused(what, request, 'request', message)
}
