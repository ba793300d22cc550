/**
 * The library itself, with the test builds of the addon and of the helper: a sandbox is made and a command run in it, and every call
 * of the system that the addon makes on the way fails once. A command that runs all the same must find every list as it was planned.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import path from 'node:path'

import { binding } from './addon-faults.mjs'
import { expect, say } from './checks.mjs'

const load = name => import(new URL(name, process.env.CASTELLAN_LIBRARY))
const { makeSandbox } = await load('sandbox.js')
const { windowsHost } = await load('sandbox/windows-system.js')

const root = 'C:\\castellan-library'
const workspace = `${root}\\ws`
const marker = `${workspace}\\ran`
const account = 'S-1-5-21-4-4-4-1000'
const helper = process.env.CASTELLAN_PRETENDING_HELPER
const touch = ['-e', `require('fs').writeFileSync(${JSON.stringify(marker)}, '')`]

const capabilities = {
  ...{ platform: 'win32', architecture: 'x64', kernelRelease: release(), restricted: false },
  restrictedToken: { available: true, how: 'the test build of the helper' },
  runner: { available: true, how: 'the test build of the helper' },
  helper: { available: true, how: 'the test build', path: helper },
}

/** Wine has no accounts: the sandbox's are this user, and a group that nobody is in. */
function machineBinding() {
  const user = binding.probe().userSid
  return { ...binding, sidOfAccount: name => (name === 'CastellanSandbox' ? account : user) }
}

const hostOf = machine => () =>
  windowsHost({
    ...{ capabilities, binding: machine, variables: () => ({ SystemRoot: 'C:\\windows' }) },
    ...{ workingDirectory: () => workspace, isUnchangedHelper: () => true },
  })

function setUp(stateDirectory) {
  for (const name of ['.sandbox', '.sandbox-bin', '.sandbox-secrets'])
    mkdirSync(`${stateDirectory}\\${name}`, { recursive: true })
  const [offline, online] = ['CastellanOffline', 'CastellanOnline'].map(username => ({
    username,
    password: binding.protectSecret(Buffer.from('a password', 'utf16le'), 'machine').toString('base64'),
  }))
  const marker = { version: 5, offline_username: offline.username, online_username: online.username }
  writeFileSync(`${stateDirectory}\\.sandbox\\setup_marker.json`, JSON.stringify(marker))
  writeFileSync(
    `${stateDirectory}\\.sandbox-secrets\\sandbox_users.json`,
    JSON.stringify({ version: 5, offline, online }),
  )
}

/** The entries of the plan that are not there. What every user can read already needs none. */
function missingEntries(plan, stateDirectory) {
  const { sids } = JSON.parse(readFileSync(`${stateDirectory}\\.sandbox\\capabilities.json`, 'utf8'))
  return plan.accessEntries
    .filter(({ kind }) => kind !== 'read')
    .flatMap(({ path: place, mask, roles }) => {
      const { own = [] } = binding.readAcl(place)
      const missing = roles.filter(role => {
        const sid = role === 'group' ? account : sids[role]
        return !own.some(ace => ace.sid === sid && ace.mask === mask)
      })
      return missing.map(role => `${place} ${role}`)
    })
}

/** From nothing: one sandbox, one command, with one failure. */
async function attempt(backend, ordinal) {
  const stateDirectory = `${root}\\state-${backend}-${ordinal}`
  rmSync(workspace, { recursive: true, force: true })
  // Another workspace each time: the lists in memory know objects by their numbers.
  mkdirSync(`${workspace}\\.git`, { recursive: true })
  binding.faultAt(0)
  if (backend === 'elevated') setUp(stateDirectory)
  const machine = machineBinding()
  binding.faultAt(ordinal)
  const outcome = { error: null, missing: null, calls: [] }
  let sandbox
  try {
    sandbox = await makeSandbox(
      {
        policy: { type: 'workspace-write', exclude_tmpdir_env_var: true, exclude_slash_tmp: true },
        ...{ cwd: workspace, env: { PATH: path.dirname(process.execPath), SystemRoot: 'C:\\windows' } },
        windows: { backend, stateDirectory },
      },
      hostOf(machine),
    )
    await sandbox.run(process.execPath, touch)
  } catch (error) {
    outcome.error = `${error.code} ${error.stage ?? ''}`.trim()
    outcome.message = error.message
  }
  outcome.calls = binding.faultCalls()
  const isOver = ordinal > outcome.calls.length
  // Looked at with nothing failing, and before anything is taken back.
  binding.faultAt(0)
  outcome.ran = existsSync(marker)
  if (sandbox !== undefined) outcome.missing = missingEntries(sandbox.plan, stateDirectory)
  binding.faultAt(isOver ? 0 : Math.max(0, ordinal - outcome.calls.length))
  await sandbox?.[Symbol.asyncDispose]().catch(() => {})
  binding.faultAt(0)
  rmSync(stateDirectory, { recursive: true, force: true })
  return outcome
}

async function sweep(backend) {
  const whole = await attempt(backend, 0)
  expect(
    `${backend}: with no failure the command runs, with its lists`,
    [whole.error, whole.ran, whole.missing],
    [null, true, []],
  )
  if (whole.error !== null) return say(`       ${whole.error}: ${whole.message}`)
  let refused = 0
  for (let ordinal = 1; ordinal <= whole.calls.length; ordinal++) {
    const { error, ran, missing, calls, message } = await attempt(backend, ordinal)
    const what = `${backend}: call ${ordinal} (${calls[ordinal - 1]}) fails`
    if (ran) expect(`${what}: the command ran with every list as planned`, [error, missing], [null, []])
    else
      expect(`${what}: nothing ran, and why is told (${message})`, error, told =>
        /^ERR_(LAUNCH|BACKEND_UNAVAILABLE)/.test(told ?? ''),
      )
    if (!ran) refused++
  }
  say(
    `       ${backend}: ${whole.calls.length} calls, ${refused} of which end a start: ${[...new Set(whole.calls)].join(', ')}`,
  )
  expect(`${backend}: most of them matter`, refused, count => count > whole.calls.length / 2)
}

export async function libraryFaultChecks() {
  process.env.CASTELLAN_PRETEND = '1'
  rmSync(root, { recursive: true, force: true })
  mkdirSync(root, { recursive: true })
  for (const backend of ['unelevated', 'elevated']) await sweep(backend)
  rmSync(root, { recursive: true, force: true })
  delete process.env.CASTELLAN_PRETEND
}
