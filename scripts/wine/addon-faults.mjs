/**
 * The test build of the addon, whose calls of the system can be made to fail one by one: whatever it was asked, it answers with a
 * failure then, and holds nothing that it should not. Access lists are kept in memory there, because Wine keeps few entries.
 */
import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

import { expect, say } from './checks.mjs'

export const binding = createRequire(import.meta.url)(process.env.CASTELLAN_FAULT_ADDON)
const place = 'C:\\castellan-faults'
const ace = { type: 'allow', sid: 'S-1-5-21-1-2-3-4', mask: 0x1301bf, inherited: true }
const mutex = 'Local\\castellan-wine-faults'

const isFailure = answer => typeof answer?.failure?.call === 'string' && Number.isInteger(answer.failure.win32)

function placeOf(path) {
  binding.faultAt(0)
  const { file, volume } = binding.describeObject(path)
  return { path, file, volume }
}

/** Whether the mutex can be had by somebody else once this process has let it go; it must not be held for ever. */
async function mutexIsFree() {
  const locked = await binding.lockMutex(mutex, 2000)
  if (locked.state === 'acquired' || locked.state === 'abandoned') binding.unlockMutex(locked.id)
  return locked.state !== 'timeout' && !isFailure(locked)
}

function lockOf(path) {
  const fd = openSync(path, 'a+')
  try {
    return binding.flock(fd, true, true)
  } finally {
    closeSync(fd)
  }
}

/**
 * Each: its name, what makes ready, what is asked, and what holds afterwards. `passes`: calls whose failure changes no decision, with
 * the reason in the name. `fails`: with no failure it fails as well, because this system lacks it.
 */
const questions = [
  { name: 'probe', ask: () => binding.probe(), passes: ['LookupAccountSidW'] },
  { name: 'processStarted', ask: () => binding.processStarted(process.pid) },
  { name: 'describeObject', ask: () => binding.describeObject(place) },
  { name: 'describeObject of the null device', ask: () => binding.describeObject('\\\\.\\NUL') },
  {
    name: 'findObject',
    ready: () => {
      writeFileSync(`${place}\\one`, '')
      const { file, volume } = placeOf(`${place}\\one`)
      renameSync(`${place}\\one`, `${place}\\other`)
      return { file, volume }
    },
    ask: ({ file, volume }) => binding.findObject(`${place}\\one`, file, volume),
  },
  { name: 'readAcl', ask: () => binding.readAcl(place) },
  {
    name: 'setAce, an entry that is new',
    ready: async () => {
      const at = placeOf(place)
      await binding.removeAce(at, ace.type, ace.sid)
      return at
    },
    ask: at => binding.setAce(at, ace),
  },
  {
    name: 'setAce, a denial',
    ready: async () => {
      const at = placeOf(place)
      await binding.removeAce(at, 'deny', ace.sid)
      return at
    },
    ask: at => binding.setAce(at, { ...ace, type: 'deny' }),
  },
  {
    name: 'setAce, on the null device',
    ready: async () => {
      const at = placeOf('\\\\.\\NUL')
      await binding.removeAce(at, ace.type, ace.sid)
      return at
    },
    ask: at => binding.setAce(at, { ...ace, inherited: false }),
  },
  {
    name: 'removeAce',
    ready: async () => {
      const at = placeOf(place)
      await binding.setAce(at, ace)
      return at
    },
    ask: at => binding.removeAce(at, ace.type, ace.sid),
  },
  {
    name: 'makePrivate',
    ready: () => writeFileSync(`${place}\\private`, ''),
    ask: () => binding.makePrivate(`${place}\\private`),
  },
  {
    name: 'lockMutex',
    ask: () => binding.lockMutex(mutex, 2000),
    // A wait for the word to let go that fails is begun again; that it is held meanwhile is asked afterwards.
    passes: ['WaitForSingleObject'],
    after: async locked => {
      const isHeld = locked.state === 'acquired' || locked.state === 'abandoned'
      const other = isHeld ? await binding.lockMutex(mutex, 50) : { state: 'timeout' }
      if (isHeld) binding.unlockMutex(locked.id)
      return other.state === 'timeout' && (await mutexIsFree())
    },
  },
  { name: 'flock', ask: () => lockOf(`${place}\\lock`), refused: answer => answer > 0 },
  { name: 'protectSecret', ask: () => binding.protectSecret(Buffer.from('x'), 'user') },
  {
    name: 'unprotectSecret',
    ready: () => binding.protectSecret(Buffer.from('x'), 'user'),
    ask: blob => binding.unprotectSecret(blob),
  },
  { name: 'makeDirectory', ask: () => binding.makeDirectory('C:\\', 'castellan-faults\\made\\deep') },
  { name: 'replaceFile', ask: () => binding.replaceFile('C:\\', 'castellan-faults\\f', Buffer.from('x')) },
  {
    name: 'removeTree',
    ready: () => {
      mkdirSync(`${place}\\tree\\deep`, { recursive: true })
      writeFileSync(`${place}\\tree\\deep\\f`, '')
    },
    ask: () => binding.removeTree('C:\\', 'castellan-faults\\tree'),
  },
  {
    name: 'hideDirectory',
    ready: () => mkdirSync(`${place}\\hidden`, { recursive: true }),
    ask: () => binding.hideDirectory('C:\\', 'castellan-faults\\hidden'),
    fails: true,
  },
  { name: 'profileOfAccount', ask: () => binding.profileOfAccount('S-1-5-21-1-2-3-4') },
  { name: 'sidOfAccount', ready: () => binding.probe().userName, ask: name => binding.sidOfAccount(name) },
  { name: 'hideAccount', ask: () => binding.hideAccount('castellan-wine', true) },
  {
    name: 'hideAccount, shown again',
    ready: () => binding.hideAccount('castellan-wine', true),
    ask: () => binding.hideAccount('castellan-wine', false),
  },
  {
    name: 'runElevated',
    ask: () => binding.runElevated(process.execPath, '-e "process.exit(7)"', 'C:\\'),
  },
  { name: 'makeGroup', ask: () => binding.makeGroup('castellan-wine', 'none'), fails: true },
  { name: 'makeAccount', ask: () => binding.makeAccount('castellan-wine', 'Aa1!Aa1!', 'none', 'x'), fails: true },
  { name: 'removeAccount', ask: () => binding.removeAccount('castellan-wine') },
  { name: 'removeGroup', ask: () => binding.removeGroup('castellan-wine') },
  {
    name: 'setFirewallRule',
    ask: () =>
      binding.setFirewallRule({
        ...{ name: 'castellan-wine', protocol: 17, remoteAddresses: '127.0.0.0/8', remotePorts: null },
        localUsers: 'O:LSD:(A;;CC;;;S-1-5-21-1-2-3-4)',
      }),
    fails: true,
  },
  { name: 'readFirewallRule', ask: () => binding.readFirewallRule('castellan-wine'), fails: true },
  { name: 'removeFirewallRule', ask: () => binding.removeFirewallRule('castellan-wine'), fails: true },
  { name: 'localFirewallRulesCount', ask: () => binding.localFirewallRulesCount(), fails: true },
]

async function sweep({ name, ready = () => {}, ask, refused = isFailure, passes = [], after, fails = false }) {
  const once = async ordinal => {
    binding.faultAt(0)
    const given = await ready()
    binding.faultAt(ordinal)
    const answer = await ask(given)
    const calls = binding.faultCalls()
    binding.faultAt(0)
    if (after !== undefined)
      expect(`${name}, call ${ordinal}: it is held by one, and free afterwards`, await after(answer), true)
    return { answer, calls }
  }
  const whole = await once(0)
  // Wine has no accounts and hardly a firewall; how far it goes there is as far as this can be asked.
  if (!fails)
    expect(`${name}: it works when nothing fails (${JSON.stringify(whole.answer)})`, refused(whole.answer), false)
  expect(`${name}: it makes calls`, whole.calls.length, count => count > 0)
  for (let ordinal = 1; ordinal <= whole.calls.length; ordinal++) {
    const { answer, calls } = await once(ordinal)
    const call = calls[ordinal - 1]
    // Of threads that take turns one may not have come to it.
    if (call === undefined || passes.includes(call)) continue
    expect(`${name}: call ${ordinal} (${call}) fails, and is told`, refused(answer), true)
  }
  return whole.calls
}

export async function addonFaultChecks() {
  process.env.CASTELLAN_PRETEND = '1'
  rmSync(place, { recursive: true, force: true })
  mkdirSync(place, { recursive: true })
  writeFileSync(`${place}\\lock`, 'x')
  const names = new Set()
  let count = 0
  for (const question of questions) {
    const calls = await sweep(question)
    count += calls.length
    for (const call of calls) names.add(call)
  }
  say(`       ${count} calls of the addon: ${[...names].join(', ')}`)
  rmSync(place, { recursive: true, force: true })
  delete process.env.CASTELLAN_PRETEND
}
