/**
 * The journal of access lists and the setup's steps, on the files, mutexes and processes of Wine. It keeps no entry of an unknown
 * identifier and makes no account: what it would have to keep is a table here, and what it does keep is asked of it.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

import { expect } from './checks.mjs'

const binding = createRequire(import.meta.url)(process.env.CASTELLAN_ADDON)
const load = name => import(new URL(name, process.env.CASTELLAN_LIBRARY))
const { WindowsAccess } = await load('backend/windows-access.js')
const { WindowsState } = await load('backend/windows-state.js')
const { ownDisk, windowsFilesOn } = await load('backend/windows-files.js')
const { planForWindows } = await load('plan/windows/plan.js')
const { setUpWindows, windowsSetupStatus } = await load('sandbox/windows-setup.js')

const root = 'C:\\castellan-state'
const folder = `${root}\\state\\.sandbox`
const journal = () => readFileSync(`${folder}\\acl-journal.jsonl`, 'utf8')
const statesOf = text => [...text.matchAll(/"state":"(\w+)"/g)].map(([, state]) => state)

function planOf() {
  const { plan } = planForWindows({
    ...{ policy: 'workspace-write', cwd: `${root}\\ws`, stateDirectory: `${root}\\state`, backend: 'unelevated' },
    ...{ environment: {}, host: { SystemRoot: 'C:\\windows' }, files: windowsFilesOn(ownDisk) },
  })
  return plan
}

const accessOf = machine =>
  new WindowsAccess({
    ...{ binding: machine, state: new WindowsState(folder), mutex: 'Local\\castellan-wine-journal', groupSid: null },
    makeDirectory: () => {},
  })

/** Keeps entries, as the file systems of Windows do. `dies`: at the first change, before it is made. */
function keeping(dies = false) {
  const kept = new Map()
  return {
    ...binding,
    readAcl: path => ({ missing: false, protected: false, readers: [], own: kept.get(path.toLowerCase()) ?? [] }),
    async setAce({ path }, ace) {
      if (dies) process.reallyExit(7)
      const key = path.toLowerCase()
      const others = (kept.get(key) ?? []).filter(({ type, sid }) => type !== ace.type || sid !== ace.sid)
      kept.set(key, [...others, ace])
    },
    async removeAce({ path }, type, sid) {
      const key = path.toLowerCase()
      const left = (kept.get(key) ?? []).filter(ace => ace.type !== type || ace.sid !== sid)
      if (left.length === 0) kept.delete(key)
      else kept.set(key, left)
    },
    kept,
  }
}

/** What a process does that goes away in the middle of a change. */
export const dieInTheMiddle = () => accessOf(keeping(true)).apply(planOf())

async function journals() {
  rmSync(root, { recursive: true, force: true })
  mkdirSync(`${root}\\ws\\.git`, { recursive: true })
  const lists = () => [`${root}\\ws`, `${root}\\ws\\.git`].map(path => binding.readAcl(path))
  const before = lists()
  const refused = await accessOf(binding)
    .apply(planOf())
    .then(
      () => null,
      error => [error.code, error.stage],
    )
  expect('an entry that Wine drops ends the launch', refused, ['ERR_LAUNCH', 'access-lists'])
  expect('it was journaled first, and taken back', statesOf(journal()), ['planned', 'revoked'])
  expect('no list changed', lists(), before)

  const machine = keeping()
  const applied = await accessOf(machine).apply(planOf())
  expect('entries of a plan', machine.kept.size > 1 && statesOf(journal()).includes('applied'), true)
  await applied.release()
  expect('grants of writing stay', machine.kept.size > 1, true)
  expect('they are cleaned up', await accessOf(machine).cleanup(), [])
  expect('all of them, with their journal', [machine.kept.size, journal()], [0, ''])

  const code = `import(${JSON.stringify(import.meta.url)}).then(one => one.dieInTheMiddle())`
  expect('a process dies at a change', spawnSync(process.execPath, ['-e', code], { stdio: 'ignore' }).status, 7)
  expect('its plan is in the journal', statesOf(journal()), ['planned'])
  const after = keeping()
  await accessOf(after).apply(planOf())
  const left = new WindowsState(folder).journal().map(({ state }) => state)
  expect('whoever comes next settles it, and goes on', [[...new Set(left)], after.kept.size > 1], [['applied'], true])
  expect('a journal is cleaned up', [await accessOf(after).cleanup(), journal()], [[], ''])

  writeFileSync(`${folder}\\acl-journal.jsonl`, 'no record\n')
  const damaged = await accessOf(after)
    .cleanup()
    .then(
      () => null,
      error => [error.code, /line 1: .*Nothing was changed/.test(error.message)],
    )
  expect('a damaged one is refused', [damaged, journal()], [['ERR_LAUNCH', true], 'no record\n'])
}

/** Everything of the setup that this Wine has, and a table for the rest; one call fails. */
function settingUp(failing) {
  const rules = new Map()
  const act = (call, value) => (call === failing ? { failure: { call, win32: 5 } } : value)
  const sid = 'S-1-5-21-1-2-3-1001'
  return {
    ...binding,
    probe: () => ({ ...binding.probe(), elevated: failing !== 'probe' }),
    makeGroup: () => act('makeGroup', { sid, made: true }),
    makeAccount: () => act('makeAccount', { sid, made: true }),
    sidOfAccount: () => act('sidOfAccount', sid),
    protectSecret: (...given) => act('protectSecret', binding.protectSecret(...given)),
    hideAccount: (...given) => act('hideAccount', binding.hideAccount(...given)),
    setFirewallRule: async rule => act('setFirewallRule', void rules.set(rule.name, { ...rule, isWhole: true })),
    readFirewallRule: async name => act('readFirewallRule', rules.get(name) ?? null),
    removeFirewallRule: async () => act('removeFirewallRule', undefined),
    localFirewallRulesCount: async () => act('localFirewallRulesCount', true),
    describeObject: path => act('describeObject', binding.describeObject(path)),
    setAce: async () => act('setAce', undefined),
  }
}

async function setups() {
  rmSync(root, { recursive: true, force: true })
  mkdirSync(root, { recursive: true })
  const options = { stateDirectory: `${root}\\elevated` }
  const machineOf = failing => () => ({
    ...{ binding: settingUp(failing), variables: () => ({}), onDisk: path => path, now: () => '2026-01-01T00:00:00Z' },
    start: null,
  })
  const status = () => windowsSetupStatus(options, machineOf('')).offline
  const steps = {
    ...{ probe: 'check-elevation', makeGroup: 'make-group', makeAccount: 'make-accounts' },
    ...{ protectSecret: 'protect-secrets', hideAccount: 'hide-accounts', sidOfAccount: 'add-firewall-rules' },
    setFirewallRule: 'add-firewall-rules',
    ...{ localFirewallRulesCount: 'verify-firewall-rules', readFirewallRule: 'verify-firewall-rules' },
    ...{ describeObject: 'lock-directories', setAce: 'lock-directories' },
  }
  await setUpWindows(options, machineOf(''))
  expect('a setup is ready', status(), 'ready')
  for (const [call, step] of Object.entries(steps)) {
    const told = await setUpWindows(options, machineOf(call)).then(
      () => null,
      error => [error.code, error.step],
    )
    expect(`a setup in which ${call} fails`, told, ['ERR_WINDOWS_SETUP', step])
    // Before the first change the old one holds on.
    expect(
      `${call}: nothing looks ready that is not`,
      status(),
      call === 'probe' ? 'ready' : 'marker-missing-or-incompatible',
    )
    await setUpWindows(options, machineOf(''))
    expect(`${call}: it can be done again`, status(), 'ready')
  }
  const real = () => ({
    ...machineOf('')(),
    binding: { ...binding, probe: () => ({ ...binding.probe(), elevated: true }) },
  })
  const told = await setUpWindows(options, real).then(
    () => null,
    error => error.step,
  )
  expect('the setup of Wine itself stops where it makes nothing', told, 'make-group')
  expect('and is not ready', status(), 'marker-missing-or-incompatible')
}

/** The one question of Windows: here nobody asks it, and what is started is a process of its own all the same. */
async function elevations() {
  rmSync(root, { recursive: true, force: true })
  const stateDirectory = `${root}\\asked`
  const prebuilt = `${root}\\build\\prebuilds\\win32-x64`
  mkdirSync(prebuilt, { recursive: true })
  copyFileSync(process.env.CASTELLAN_ADDON, `${prebuilt}\\castellan.node`)
  process.env.CASTELLAN_PREBUILD = `${root}\\build`
  let started = 0
  const machine = start => () => ({
    ...{ variables: () => ({}), onDisk: path => path, now: () => '2026-01-01T00:00:00Z', start },
    binding: {
      ...binding,
      probe: () => ({ ...binding.probe(), elevated: false }),
      runElevated: (...given) => {
        started++
        return binding.runElevated(...given)
      },
    },
  })
  const told = start =>
    setUpWindows({ stateDirectory, proxyPorts: [8080] }, machine(start)).then(
      () => null,
      error => [error.code, error.step, error.setupCode],
    )
  const own = { program: process.env.CASTELLAN_NODE, args: [process.env.CASTELLAN_PROGRAM] }
  // The setup of Wine stops at its first account, in the other process, which says so.
  const failed = ['ERR_WINDOWS_SETUP', 'make-group', 'helper_users_group_create_failed']
  expect('a setup in another process tells the step that failed there', [await told(own), started], [failed, 1])
  expect('it got as far as that', readFileSync(`${stateDirectory}\\.sandbox\\setup_marker.json`, 'utf8'), '')
  const deaf = { ...own, args: ['-e', '0'] }
  expect('one that did nothing is not believed', (await told(deaf))?.[2], 'orchestrator_helper_incomplete')
  expect(
    'one that is not there',
    (await told({ program: 'C:\\no.exe', args: [] }))?.[2],
    'orchestrator_helper_launch_failed',
  )
  expect('where nothing can be started it stays here', (await told(null))?.[2], 'orchestrator_elevation_required')
  delete process.env.CASTELLAN_PREBUILD
}

export async function stateChecks() {
  await journals()
  await setups()
  await elevations()
  rmSync(root, { recursive: true, force: true })
}
