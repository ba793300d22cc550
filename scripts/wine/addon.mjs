/**
 * The addon, loaded by node.exe and by the same program under another name. Wine keeps only those entries of an access list that
 * mode bits can say: what it drops must be told as a change that did not happen.
 */
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'

import { expect, say } from './checks.mjs'

const file = process.env.CASTELLAN_ADDON
const binding = createRequire(import.meta.url)(file)
const place = 'C:\\castellan-place'
const nobody = 'S-1-5-21-1-2-3-4'
const functions = [
  ...[
    'describeObject',
    'findObject',
    'flock',
    'hideAccount',
    'hideDirectory',
    'localFirewallRulesCount',
    'lockMutex',
    'makeAccount',
    'makeDirectory',
    'makeGroup',
  ],
  ...['makePrivate', 'probe'],
  ...[
    'processStarted',
    'profileOfAccount',
    'protectSecret',
    'readAcl',
    'readFirewallRule',
    'removeAccount',
    'removeAce',
    'removeFirewallRule',
    'removeTree',
    'replaceFile',
  ],
  ...['removeGroup', 'runElevated', 'setAce', 'setFirewallRule', 'sidOfAccount', 'unlockMutex', 'unprotectSecret'],
]

function loading() {
  expect('what it offers', Object.keys(binding).sort(), [...functions, 'system'].sort())
  expect('its system', binding.system, 'win32')
  const other = 'C:\\electron.exe'
  copyFileSync(process.execPath, other)
  const code = `process.exit(require(${JSON.stringify(file)}).probe().pid === process.pid ? 42 : 1)`
  expect('a host of another name', spawnSync(other, ['-e', code], { stdio: 'ignore' }).status, 42)
  rmSync(other)
}

function facts() {
  const probe = binding.probe()
  expect('the version', probe.version, text => /^10\.0\.\d+$/.test(text))
  expect('Wine is told', probe.wine, true)
  expect('no restriction', probe.restricted, false)
  expect('the user', probe.userSid, text => /^S-1-5-21-\d+-\d+-\d+-\d+$/.test(text))
  expect('the name', probe.userName, text => /\\/.test(text))
  expect('the session', probe.logonSid, text => /^S-1-5-5-\d+-\d+$/.test(text))
  expect('the start', [probe.pid, binding.processStarted(process.pid)], [process.pid, probe.started])
  expect('a process that is none', binding.processStarted(0x7ffffff0), null)
}

function objects() {
  rmSync(place, { recursive: true, force: true })
  mkdirSync(`${place}\\Sub`, { recursive: true })
  writeFileSync(`${place}\\file.txt`, 'x')
  const directory = binding.describeObject(`${place}\\sub`)
  expect('a directory', [directory.directory, directory.reparseTag], [true, 0])
  expect('its path as it is spelled', directory.finalPath, text => text.toLowerCase() === `${place}\\sub`.toLowerCase())
  expect('its number', [directory.file.length, directory.volume.length], [32, 16])
  const other = binding.describeObject(`${place}\\file.txt`)
  expect('a file', [other.directory, other.file === directory.file, other.volume], [false, false, directory.volume])
  const missing = binding.describeObject(`${place}\\nothing`)
  expect('nothing', missing, { failure: { call: 'CreateFile', win32: 2 } })
  const device = binding.describeObject('\\\\.\\NUL')
  const { finalPath, file, volume, hasAcls } = device
  expect('the null device', [finalPath, file, volume, hasAcls], ['\\\\.\\NUL', '0'.repeat(32), '0'.repeat(16), true])
  expect('its list', 'failure' in binding.readAcl('\\\\.\\NUL'), false)
  expect('no other device', 'failure' in binding.describeObject('\\\\.\\pipe'), true)
  expect('no path', binding.describeObject(7).failure?.call, 'CreateFile')
  try {
    symlinkSync(`${place}\\Sub`, `${place}\\link`, 'junction')
    const link = binding.describeObject(`${place}\\link`)
    expect('a junction is not followed', [link.reparseTag !== 0, link.file === directory.file], [true, false])
  } catch (error) {
    expect('junctions cannot be made here', ['EPERM', 'ENOTSUP'].includes(error.code), true)
  }
}

/** Objects by their number, wherever they are now. */
function moved() {
  writeFileSync(`${place}\\before`, '')
  const { file, volume } = binding.describeObject(`${place}\\before`)
  const find = (...given) => binding.findObject(...given)
  expect('where it was', find(`${place}\\before`, file, volume).file, file)
  renameSync(`${place}\\before`, `${place}\\Sub\\after`)
  const found = find(`${place}\\before`, file, volume)
  expect('moved', [found.file, found.finalPath?.toLowerCase()], [file, `${place}\\sub\\after`.toLowerCase()])
  expect('its directory is gone too', find(`${place}\\no\\such\\place`, file, volume).file, file)
  const elsewhere = find(`${place}\\before`, file, '0'.repeat(16))
  expect('another volume', elsewhere, { failure: { call: 'OpenFileById', win32: 34 } })
  expect('no number', find(place, 'x', volume), { failure: { call: 'OpenFileById', win32: 13 } })
  expect('no volume', 'failure' in find('Q:\\x', file, volume), true)
  rmSync(`${place}\\Sub\\after`)
  expect('gone', find(`${place}\\before`, file, volume), null)
}

async function lists() {
  const path = `${place}\\Sub`
  const { file: number, volume } = binding.describeObject(path)
  const at = { path, file: number, volume }
  const before = binding.readAcl(path)
  expect('a list', [before.missing, Array.isArray(before.own), before.readers.length > 0], [false, true, true])
  const ace = { type: 'allow', sid: nobody, mask: 0x1301bf, inherited: true }
  const dropped = await binding.setAce(at, ace)
  expect('an entry that Wine drops is told', dropped, { failure: { call: 'verify', win32: 1336 } })
  expect('nothing changed', binding.readAcl(path), before)
  expect('an entry that is not there is taken off', await binding.removeAce(at, 'allow', nobody), undefined)
  const elsewhere = { ...at, file: '0'.repeat(32) }
  const swapped = await binding.setAce(elsewhere, ace)
  expect('another object at the path', swapped, { failure: { call: 'GetFileInformationByHandleEx', win32: 1006 } })
  const noSid = await binding.setAce(at, { ...ace, sid: 'S-1-5-021' })
  expect('an identifier that is none', noSid.failure?.win32, 1337)
  expect('a type that is none', (await binding.removeAce(at, 'audit', nobody)).failure?.win32, 1337)
}

/** The lock and the list that the keys ask for. */
function files() {
  const path = `${place}\\lock`
  const [one, two] = [openSync(path, 'a+'), openSync(path, 'a+')]
  expect('a free lock', binding.flock(one, true, true), 0)
  expect('one that is held through another descriptor', binding.flock(two, true, true), constants.errno.EAGAIN)
  closeSync(one)
  expect('it is free with its descriptor', binding.flock(two, true, true), 0)
  const code = `process.exit(require(${JSON.stringify(file)}).flock(require('node:fs').openSync(${JSON.stringify(path)}, 'a+'), true, true))`
  const other = spawnSync(process.execPath, ['-e', code], { stdio: 'ignore' })
  expect('it keeps another process out', other.status, constants.errno.EAGAIN)
  closeSync(two)
  expect('no descriptor', binding.flock(-1, true, true), constants.errno.EINVAL)
  writeFileSync(path, 'x')
  const made = binding.makePrivate(path)
  const { own, readers } = binding.readAcl(path)
  const user = binding.probe().userSid
  const others = [...readers, ...own.filter(({ type }) => type === 'allow').map(({ sid }) => sid)].filter(
    sid => sid !== user,
  )
  // Whether Wine keeps the list depends on where its disk lies; that it did not must be told.
  const isTold = made === undefined ? others.length === 0 : made.failure?.call === 'verify'
  expect('a file becomes private, or is told not to be', isTold, true)
  expect('its owner can', readFileSync(path, 'utf8'), 'x')
  expect('a file that is not there', binding.makePrivate(`${place}\\nothing`), {
    failure: { call: 'CreateFile', win32: 2 },
  })
}

/** Where a process with all rights writes while others may, too: by every kind of link that this Wine makes. */
function places() {
  const own = 'castellan-place\\own'
  const dir = below => binding.makeDirectory('C:\\', `${own}\\${below}`)
  const put = (below, text) => binding.replaceFile('C:\\', `${own}\\${below}`, Buffer.from(text))
  const gone = below => binding.removeTree('C:\\', `${own}\\${below}`)
  const at = below => `${place}\\own\\${below}`
  const told = (answer, ...expected) => [
    answer?.failure?.call,
    answer?.failure?.win32,
    answer?.failure?.path,
    ...expected,
  ]
  expect('directories are made', [dir('a\\b'), existsSync(at('a\\b'))], [undefined, true])
  expect('they may be there', dir('a\\b'), undefined)
  expect('a file is made', [put('a\\b\\f', 'one'), readFileSync(at('a\\b\\f'), 'utf8')], [undefined, 'one'])
  expect('it is made anew', [put('a\\b\\f', ''), readFileSync(at('a\\b\\f'), 'utf8')], [undefined, ''])
  expect('a file is no directory', told(dir('a\\b\\f\\x')), ['NtCreateFile', 267, at('a\\b\\f')])
  expect('a directory that is not there is not written into', told(put('no\\f', 'x')), ['NtCreateFile', 2, at('no')])
  for (const below of ['', '\\', 'a\\\\b', 'a/b', 'a\\..\\b', 'a\\'])
    expect(
      `no place: ${JSON.stringify(below)}`,
      'failure' in (binding.replaceFile('C:\\', below, Buffer.from('')) ?? {}),
      true,
    )
  expect('no volume', 'failure' in (binding.makeDirectory('Q:\\', 'x') ?? {}), true)
  expect('no anchor', 'failure' in (binding.makeDirectory('', 'x') ?? {}), true)
  mkdirSync(at('victim\\inner'), { recursive: true })
  // This Wine makes no links. A directory in which another file system is mounted is a reparse point to it, and a link of the
  // system below leads elsewhere without being one.
  const mounted = binding.makeDirectory('Z:\\', 'tmp\\castellan\\new')
  expect('nothing is made behind a reparse point', told(mounted), ['verify', 4395, 'Z:\\tmp'])
  const link = 'C:\\castellan-link'
  const behind = below => `castellan-link\\${below}`
  for (const [what, act] of [
    ['the link is taken for a directory', () => binding.makeDirectory('C:\\', 'castellan-link')],
    ['a directory is made', () => binding.makeDirectory('C:\\', behind('new'))],
    ['a file is written', () => binding.replaceFile('C:\\', behind('f'), Buffer.from('x'))],
    ['a file is removed', () => binding.removeTree('C:\\', behind('f'))],
    ['a directory is hidden', () => binding.hideDirectory('C:\\', behind('inner'))],
  ])
    expect(`behind a link nothing happens: ${what}`, told(act()), ['verify', 161, link])
  const victim = [readFileSync(`${link}\\f`, 'utf8'), existsSync(`${link}\\new`), existsSync('Z:\\tmp\\castellan')]
  expect('what it leads to is as it was', victim, ['as it was', false, false])
  for (let number = 0; number < 300; number++) writeFileSync(at(`victim\\inner\\a file with a long name ${number}`), '')
  expect('a large directory', [gone('victim'), existsSync(at('victim'))], [undefined, false])
  expect('what is not there', [gone('none'), gone('none\\deeper')], [undefined, undefined])
  const hidden = binding.hideDirectory('C:\\', `${own}\\a`)
  say(`       a hidden directory: ${JSON.stringify(hidden) ?? 'done'}`)
  const isKept = hidden === undefined || (hidden.failure.call === 'verify' && hidden.failure.win32 === 50)
  expect('a directory is hidden, or is told not to be', isKept, true)
  expect('one that is not there', told(binding.hideDirectory('C:\\', `${own}\\none`)), ['NtCreateFile', 2, at('none')])
  expect('no account has this profile', binding.profileOfAccount(nobody), null)
}

async function mutexes() {
  const name = 'Local\\castellan-wine-check'
  const one = await binding.lockMutex(name, 1000)
  expect('a free mutex', [one.state, one.id > 0], ['acquired', true])
  const two = await binding.lockMutex(name, 50)
  expect('one that is held, by this process too', two, { state: 'timeout', id: 0 })
  const waiting = binding.lockMutex(name, 30_000)
  binding.unlockMutex(one.id)
  const three = await waiting
  expect('it goes to who waits', three.state, 'acquired')
  binding.unlockMutex(three.id)
  binding.unlockMutex(three.id)
  const code = `require(${JSON.stringify(file)}).lockMutex(${JSON.stringify(name)}, 1000).then(() => process.reallyExit(5))`
  expect('another process dies with it', spawnSync(process.execPath, ['-e', code], { stdio: 'ignore' }).status, 5)
  // The name is gone with its only handle: nobody is told of a death that nobody waited for.
  const after = await binding.lockMutex(name, 1000)
  expect('it is free again', after.state, state => state === 'acquired' || state === 'abandoned')
  binding.unlockMutex(after.id)
}

function secrets() {
  const secret = Buffer.from('a secret of 26 characters.')
  for (const scope of ['user', 'machine']) {
    const blob = binding.protectSecret(secret, scope)
    expect(`a secret (${scope})`, Buffer.isBuffer(blob) && !blob.includes(secret), true)
    expect(`the same again (${scope})`, binding.unprotectSecret(blob)?.toString?.(), secret.toString())
  }
  expect('a blob that is none', binding.unprotectSecret(Buffer.from('x')).failure?.call, 'CryptUnprotectData')
}

/** Wine makes no accounts, and has no firewall: what is asked is that nothing is taken for done. */
async function accounts() {
  expect('an account that is none', binding.sidOfAccount('castellan-nobody').failure?.call, 'LookupAccountName')
  const user = binding.probe()
  expect('an account', binding.sidOfAccount(user.userName), user.userSid)
  expect('a group that Wine did not make', 'failure' in binding.makeGroup('castellan-wine', 'none'), true)
  const made = binding.makeAccount('castellan-wine', 'Aa1!Aa1!Aa1!', 'none', 'castellan-wine')
  expect('an account that Wine did not make', 'failure' in made, true)
  expect(
    'hidden, and shown again',
    [true, false].map(hidden => binding.hideAccount('castellan-wine', hidden)),
    [undefined, undefined],
  )
  // What this Wine has of a firewall: a rule must not be found in force that was set nowhere.
  const rule = {
    ...{ name: 'castellan-wine', protocol: 17, remoteAddresses: '127.0.0.0/8', remotePorts: null },
    localUsers: 'O:LSD:(A;;CC;;;S-1-5-21-1-2-3-4)',
  }
  for (const missing of ['name', 'remoteAddresses', 'localUsers']) {
    const failure = (await binding.setFirewallRule({ ...rule, [missing]: '' })).failure
    const isRefused = failure?.win32 === 87 || failure?.call === 'INetFwPolicy2'
    expect(`no rule for everybody (without ${missing})`, isRefused, true)
  }
  const set = await binding.setFirewallRule(rule)
  const found = await binding.readFirewallRule(rule.name)
  say(`       the firewall of this Wine: set ${JSON.stringify(set) ?? 'done'}, read ${JSON.stringify(found)}`)
  expect('no rule is in force', found?.isWhole === true, false)
  const counts = await binding.localFirewallRulesCount()
  say(`       rules count: ${JSON.stringify(counts)}`)
  expect(
    'a rule that is not there is taken away',
    (await binding.removeFirewallRule('castellan-none'))?.failure ?? null,
    failure => failure === null || /^(INetFw|CoInit)/.test(failure.call),
  )
  const nothing = await binding.runElevated('C:\\no-such-program.exe', '', 'C:\\')
  expect('a program that is not there', nothing.failure?.call, 'ShellExecuteEx')
}

export async function addonChecks() {
  for (const part of [loading, facts, objects, moved, lists, files, places, mutexes, secrets, accounts]) await part()
  rmSync(place, { recursive: true, force: true })
}
