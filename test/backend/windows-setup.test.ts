/** The setup of the elevated backend, step by step, on a machine that is a table. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { FoundFirewallRule, NativeFirewallRule, WindowsBinding } from '../../lib/native/windows-binding.ts'
import { windowsSetupSteps } from '../../lib/plan/windows/setup-steps.ts'
import { cleanUpWindows } from '../../lib/sandbox/windows-cleanup.ts'
import { type SetupMachine, setUpWindows, windowsSetupStatus } from '../../lib/sandbox/windows-setup.ts'

let folder = ''
let above = ''
let profile: string | null = null
let hidden: string[] = []
let log: string[] = []
let failing = ''
let rules = new Map<string, NativeFirewallRule>()
const passwords: string[] = []

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'castellan-setup-'))
  above = mkdtempSync(path.join(tmpdir(), 'castellan-above-'))
  mkdirSync(path.join(above, 'u'))
  profile = null
  hidden = []
  log = []
  failing = ''
  rules = new Map()
})
afterEach(() => {
  for (const place of [folder, above]) rmSync(place, { recursive: true, force: true })
})

const failure = (call: string) => ({ failure: { call, win32: 5 } })

/** As the firewall gives it back: with addresses in its own spelling. */
function found(rule: NativeFirewallRule | undefined): FoundFirewallRule | null {
  if (rule === undefined) return null
  return { ...rule, remoteAddresses: rule.remoteAddresses.replace('127.0.0.0/8', '127.0.0.0/255.0.0.0'), isWhole: true }
}

/** The state directory is the folder; what is above it stands at `above`, so that a test can put a link there. */
const onLinux = (place: string) =>
  place === 'C:\\u\\castellan' || place.startsWith('C:\\u\\castellan\\')
    ? path.join(folder, place.slice('C:\\u\\castellan'.length).replaceAll('\\', '/'))
    : path.join(above, place.slice(3).replaceAll('\\', '/'))

const isLink = (place: string) => lstatSync(onLinux(place), { throwIfNoEntry: false })?.isSymbolicLink() === true

/** As the addon goes a way: name by name, and no further than to a link. */
function going<Value>(anchor: string, below: string, act: (place: string) => Value, whole = false) {
  const names = below.split('\\')
  for (let count = 1; count <= names.length - (whole ? 0 : 1); count++) {
    const place = anchor + names.slice(0, count).join('\\')
    if (isLink(place)) return { failure: { call: 'verify', win32: 4395, path: place } }
  }
  return act(onLinux(anchor + below))
}

/** Every call is noted; the one that is named fails. */
function binding(elevated = true): WindowsBinding {
  const act = <Value>(call: string, value: Value) => {
    log.push(call)
    return call === failing ? failure(call) : value
  }
  const fake: Partial<WindowsBinding> = {
    system: 'win32',
    probe: () => ({ elevated, userName: 'PC\\u' }) as never,
    makeGroup: () => act('makeGroup', { sid: 'S-1-5-21-1-1-1-500', made: true }),
    makeAccount: (_name, password) => {
      passwords.push(password)
      return act('makeAccount', { sid: 'S-1-5-21-1-1-1-501', made: true })
    },
    protectSecret: () => act('protectSecret', Buffer.from('blob')),
    hideAccount: () => act('hideAccount', undefined),
    sidOfAccount: () => act('sidOfAccount', 'S-1-5-21-1-1-1-501'),
    setFirewallRule: async rule => {
      rules.set(rule.name, rule)
      return act('setFirewallRule', undefined)
    },
    removeFirewallRule: async name => {
      rules.delete(name)
      return act('removeFirewallRule', undefined)
    },
    readFirewallRule: async name => act('readFirewallRule', found(rules.get(name))),
    localFirewallRulesCount: async () => act('localFirewallRulesCount', true),
    describeObject: place => {
      if (!existsSync(onLinux(place)) && !isLink(place)) return { failure: { call: 'CreateFile', win32: 2 } }
      const object = { finalPath: place, file: '1', volume: '1', reparseTag: isLink(place) ? 0xa000_0003 : 0 }
      return act('describeObject', object as never)
    },
    makeDirectory: (anchor, below) =>
      going(anchor, below, place => act('makeDirectory', void mkdirSync(place, { recursive: true })), true),
    replaceFile: (anchor, below, bytes) =>
      going(anchor, below, place => {
        rmSync(place, { force: true })
        return act('replaceFile', void writeFileSync(place, bytes, { flag: 'wx' }))
      }),
    removeTree: (anchor, below) =>
      going(anchor, below, place => act('removeTree', void rmSync(place, { recursive: true, force: true }))),
    profileOfAccount: () => act('profileOfAccount', profile),
    hideDirectory: (anchor, below) => {
      hidden.push(anchor + below)
      return act('hideDirectory', undefined)
    },
    setAce: async () => act('setAce', undefined),
    lockMutex: async () => ({ state: 'acquired', id: 1 }),
    unlockMutex: () => {},
    removeAccount: () => act('removeAccount', undefined),
    removeGroup: () => act('removeGroup', undefined),
  }
  return fake as WindowsBinding
}

function machine(elevated = true): () => SetupMachine {
  return () => ({
    binding: binding(elevated),
    variables: () => ({ LOCALAPPDATA: 'C:\\u' }),
    onDisk: () => folder,
    now: () => '2026-01-01T00:00:00Z',
    start: null,
  })
}

const everything = () =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => readFileSync(path.join(entry.parentPath, entry.name), 'utf8'))
    .join('\n')

const start = { program: 'C:\\node\\node.exe', args: ['C:\\p\\castellan.js'] }

/** A process without the rights, and what the one that it starts does with its payload. */
function unelevated(child: (payload: string) => Promise<number | { failure: { call: string; win32: number } }>) {
  const asked: string[][] = []
  const runElevated = async (program: string, line: string, cwd: string) => {
    asked.push([program, line, cwd])
    return await child(/ --payload (\S+)$/.exec(line)?.[1] ?? '')
  }
  return { asked, machineOf: () => ({ ...machine(false)(), start, binding: { ...binding(false), runElevated } }) }
}

/** As the command line ends. */
const asProcess = (elevated: boolean) => (payload: string) =>
  setUpWindows({ payload }, () => ({ ...machine(elevated)(), start })).then(
    () => 0,
    () => 1,
  )

describe('a setup without administrator rights', () => {
  it('asks for them once, and is done by the process that has them', async () => {
    const { asked, machineOf } = unelevated(asProcess(true))
    const result = await setUpWindows({ proxyPorts: [8080], localBinding: false }, machineOf)
    expect(result).toEqual({ stateDirectory: 'C:\\u\\castellan', done: windowsSetupSteps, notices: [] })
    expect(asked).toEqual([
      [
        start.program,
        expect.stringMatching(/^C:\\p\\castellan\.js windows setup --payload [\w+/=]+$/),
        expect.any(String),
      ],
    ])
    expect(windowsSetupStatus({ proxyPorts: [8080] }, machine()).offline).toBe('ready')
  })

  it.each([
    ['the step that failed there', 'makeAccount', 'make-accounts', 'helper_user_create_or_update_failed', 5],
    ['that of the firewall', 'setFirewallRule', 'add-firewall-rules', 'helper_firewall_rule_create_or_add_failed', 5],
  ])('tells %s', async (_name, call, step, setupCode, win32) => {
    failing = call
    const { asked, machineOf } = unelevated(asProcess(true))
    await expect(setUpWindows({}, machineOf)).rejects.toMatchObject({ step, setupCode, win32 })
    expect(asked.length).toBe(1)
  })

  it('never asks a second time: who was started without the rights all the same says so', async () => {
    const { asked, machineOf } = unelevated(asProcess(false))
    await expect(setUpWindows({}, machineOf)).rejects.toMatchObject({
      step: 'check-elevation',
      setupCode: 'orchestrator_elevation_required',
    })
    expect(asked.length).toBe(1)
  })

  it.each([
    ['a no', { failure: { call: 'ShellExecuteEx', win32: 1223 } }, 'orchestrator_helper_launch_canceled'],
    ['no start', { failure: { call: 'ShellExecuteEx', win32: 2 } }, 'orchestrator_helper_launch_failed'],
    ['an end without a word', 3, 'orchestrator_helper_exit_nonzero'],
    ['a word that is not true', 0, 'orchestrator_helper_incomplete'],
  ])('tells %s, and does not take an older report for an answer', async (_name, answer, setupCode) => {
    failing = 'makeGroup'
    await expect(setUpWindows({}, machine())).rejects.toMatchObject({ step: 'make-group' })
    const { machineOf } = unelevated(async () => answer)
    await expect(setUpWindows({}, machineOf)).rejects.toMatchObject({ code: 'ERR_WINDOWS_SETUP', setupCode })
    expect(log.filter(call => call === 'makeGroup' || call === 'makeAccount')).toEqual(['makeGroup'])
  })

  it('does nothing for a payload that is none, or of another act', async () => {
    for (const payload of ['', 'e30=', 'x']) {
      await expect(setUpWindows({ payload }, machine())).rejects.toMatchObject({
        setupCode: 'helper_request_args_failed',
      })
    }
    expect(log).toEqual([])
  })
})

describe('a link that somebody put where the setup writes', () => {
  const elsewhere = () => path.join(above, 'elsewhere')
  beforeEach(() => mkdirSync(elsewhere()))

  it.each([
    ['.sandbox', 'make-directories', 'helper_sandbox_dir_create_failed'],
    ['.sandbox-bin', 'make-directories', 'helper_sandbox_dir_create_failed'],
    ['.sandbox-secrets', 'make-directories', 'helper_sandbox_dir_create_failed'],
  ])('at %s ends it, by step and path, and nothing is written there', async (name, step, setupCode) => {
    symlinkSync(elsewhere(), path.join(folder, name))
    const place = `C:\\u\\castellan\\${name}`
    const told = { code: 'ERR_WINDOWS_SETUP', step, setupCode, path: place, message: expect.stringContaining(place) }
    await expect(setUpWindows({}, machine())).rejects.toMatchObject(told)
    expect(readdirSync(elsewhere())).toEqual([])
    // Nobody is even asked for the rights.
    const { asked, machineOf } = unelevated(asProcess(true))
    await expect(setUpWindows({}, machineOf)).rejects.toMatchObject(told)
    expect(asked).toEqual([])
    await expect(cleanUpWindows({ accounts: true }, machine())).rejects.toMatchObject({
      step: 'remove-directories',
      path: place,
    })
    expect(log.filter(call => call.startsWith('removeA'))).toEqual([])
  })

  it('above the state directory ends it', async () => {
    rmSync(path.join(above, 'u'), { recursive: true })
    symlinkSync(elsewhere(), path.join(above, 'u'))
    await expect(setUpWindows({}, machine())).rejects.toMatchObject({ step: 'make-directories', path: 'C:\\u' })
    expect(readdirSync(elsewhere())).toEqual([])
  })

  it('during the setup ends it at the step that would write, and at that which would give rights', async () => {
    for (const [at, step, name] of [
      ['write-users', 'write-users', '.sandbox-secrets'],
      ['lock-directories', 'lock-directories', '.sandbox-bin'],
    ] as const) {
      const told = (now: string) => {
        if (now !== at) return
        rmSync(path.join(folder, name), { recursive: true })
        symlinkSync(elsewhere(), path.join(folder, name))
      }
      log = []
      const ended = { step, path: `C:\\u\\castellan\\${name}` }
      await expect(setUpWindows({ told }, machine())).rejects.toMatchObject(ended)
      expect(readdirSync(elsewhere())).toEqual([])
      // The list of the first directory may be set by then; that of the link never is.
      expect(log.filter(call => call === 'setAce').length).toBeLessThan(2)
      const { offline, lastFailure } = windowsSetupStatus({}, machine())
      expect([offline, lastFailure]).toMatchObject(['marker-missing-or-incompatible', ended])
      rmSync(path.join(folder, name))
    }
  })

  it('in the place of a file is replaced, and what it leads to is left as it is', async () => {
    const victim = path.join(elsewhere(), 'victim')
    writeFileSync(victim, 'as it was')
    mkdirSync(path.join(folder, '.sandbox'))
    symlinkSync(victim, path.join(folder, '.sandbox/setup_marker.json'))
    await setUpWindows({}, machine())
    expect(readFileSync(victim, 'utf8')).toBe('as it was')
    expect(windowsSetupStatus({}, machine()).offline).toBe('ready')
  })
})

describe("the profiles of the sandbox's accounts", () => {
  it('are hidden when they are there', async () => {
    await setUpWindows({}, machine())
    expect(hidden).toEqual([])
    profile = 'C:\\Users\\CastellanOffline'
    expect((await setUpWindows({}, machine())).notices).toEqual([])
    expect(hidden).toEqual([profile, profile])
  })

  it.each(['hideDirectory', 'profileOfAccount'])('that stay visible (%s) are told, and hold nothing up', async call => {
    profile = 'C:\\Users\\CastellanOffline'
    failing = call
    const { notices } = await setUpWindows({}, machine())
    expect(notices).toEqual([
      expect.stringMatching(/^the profile of CastellanOffline is not hidden: .*failed with 5/),
      expect.stringMatching(/^the profile of CastellanOnline is not hidden/),
    ])
    const { machineOf } = unelevated(asProcess(true))
    expect((await setUpWindows({}, machineOf)).notices).toEqual(notices)
    expect(windowsSetupStatus({}, machine())).toMatchObject({ offline: 'ready', notices })
  })
})

describe('the setup of the elevated backend', () => {
  it('does every step in order, is ready afterwards, and can be done again', async () => {
    expect(windowsSetupStatus({}, machine())).toMatchObject({ offline: 'marker-missing-or-incompatible' })
    const told: string[] = []
    const result = await setUpWindows({ told: step => told.push(step) }, machine())
    expect(result).toEqual({ stateDirectory: 'C:\\u\\castellan', done: windowsSetupSteps, notices: [] })
    expect(told).toEqual(windowsSetupSteps)
    expect(windowsSetupStatus({}, machine())).toMatchObject({ offline: 'ready', online: 'ready', lastFailure: null })
    expect(windowsSetupStatus({ proxyPorts: [8080] }, machine())).toMatchObject({
      offline: 'offline-network-settings-changed',
      online: 'ready',
    })
    await setUpWindows({ proxyPorts: [8080] }, machine())
    expect(windowsSetupStatus({ proxyPorts: [8080] }, machine()).offline).toBe('ready')
    expect([...rules.values()].some(({ remotePorts }) => remotePorts === '1-8079,8081-65535')).toBe(true)
    await setUpWindows({ localBinding: true }, machine())
    expect([...rules.keys()]).toEqual(['castellan_offline_block'])
  })

  it('keeps passwords out of files, and makes new ones each time', async () => {
    passwords.length = 0
    await setUpWindows({}, machine())
    await setUpWindows({}, machine())
    expect(new Set(passwords).size).toBe(4)
    for (const password of passwords) {
      expect(password.length).toBeGreaterThanOrEqual(24)
      expect(everything()).not.toContain(password)
    }
    expect(everything()).toContain(Buffer.from('blob').toString('base64'))
  })

  it.each([
    ['make-group', 'makeGroup', 'helper_users_group_create_failed'],
    ['make-accounts', 'makeAccount', 'helper_user_create_or_update_failed'],
    ['protect-secrets', 'protectSecret', 'helper_dpapi_protect_failed'],
    ['hide-accounts', 'hideAccount', 'helper_user_provision_failed'],
    ['add-firewall-rules', 'setFirewallRule', 'helper_firewall_rule_create_or_add_failed'],
    ['add-firewall-rules', 'sidOfAccount', 'helper_sid_resolve_failed'],
    ['verify-firewall-rules', 'localFirewallRulesCount', 'helper_firewall_policy_access_failed'],
    ['verify-firewall-rules', 'readFirewallRule', 'helper_firewall_rule_verify_failed'],
    ['lock-directories', 'setAce', 'helper_sandbox_lock_failed'],
    ['lock-directories', 'describeObject', 'helper_sandbox_lock_failed'],
  ])('that fails at %s (%s) names the step, is not ready, and can be resumed', async (step, call, setupCode) => {
    await setUpWindows({}, machine())
    failing = call
    await expect(setUpWindows({}, machine())).rejects.toMatchObject({
      code: 'ERR_WINDOWS_SETUP',
      step,
      setupCode,
      win32: 5,
    })
    const status = windowsSetupStatus({}, machine())
    expect(status.offline).toBe('marker-missing-or-incompatible')
    expect(status.lastFailure).toMatchObject({ step, code: setupCode })
    failing = ''
    await setUpWindows({}, machine())
    expect(windowsSetupStatus({}, machine())).toMatchObject({ offline: 'ready', lastFailure: null })
  })

  it('has the firewall in force before the marker says ready', async () => {
    const markers: string[] = []
    const marker = path.join(folder, '.sandbox/setup_marker.json')
    const told = (step: string) => {
      if (existsSync(marker)) markers.push(`${step}:${readFileSync(marker, 'utf8') === '' ? 'empty' : 'filled'}`)
    }
    await setUpWindows({ told }, machine())
    expect(markers.every(line => line.endsWith(':empty'))).toBe(true)
    expect(markers.at(-1)).toBe('fill-marker:empty')
    expect(log.indexOf('readFirewallRule')).toBeGreaterThan(log.indexOf('setFirewallRule'))
  })

  it('takes administrator rights, and rules that count', async () => {
    await expect(setUpWindows({}, machine(false))).rejects.toMatchObject({
      step: 'check-elevation',
      setupCode: 'orchestrator_elevation_required',
    })
    const ineffective = { ...binding(), localFirewallRulesCount: async () => false }
    await expect(setUpWindows({}, () => ({ ...machine()(), binding: ineffective }))).rejects.toMatchObject({
      step: 'verify-firewall-rules',
      setupCode: 'helper_firewall_policy_ineffective',
    })
    for (const change of [null, { isWhole: false }, { localUsers: 'O:LSD:' }, { remotePorts: '1' }]) {
      const readFirewallRule = async (name: string) => {
        const rule = found(rules.get(name))
        return change === null || rule === null ? null : { ...rule, ...change }
      }
      const changed = { ...binding(), readFirewallRule }
      await expect(setUpWindows({}, () => ({ ...machine()(), binding: changed }))).rejects.toMatchObject({
        setupCode: 'helper_firewall_rule_verify_failed',
      })
      expect(windowsSetupStatus({}, machine()).offline).toBe('marker-missing-or-incompatible')
    }
  })

  it('is not begun to be taken away without the rights', async () => {
    await setUpWindows({}, machine())
    log = []
    await expect(cleanUpWindows({ accounts: true }, machine(false))).rejects.toMatchObject({
      step: 'check-elevation',
      setupCode: 'orchestrator_elevation_required',
    })
    expect(log).toEqual([])
    expect(windowsSetupStatus({}, machine()).offline).toBe('ready')
  })

  it('is taken away again: the accounts before the rules that hold them', async () => {
    await setUpWindows({}, machine())
    log = []
    expect(await cleanUpWindows({ accounts: true }, machine())).toEqual({ left: [], accountsRemoved: true })
    expect(log.indexOf('removeFirewallRule')).toBeGreaterThan(log.lastIndexOf('removeAccount'))
    expect(readdirSync(folder)).toEqual([])
    mkdirSync(path.join(folder, '.sandbox'))
    failing = 'removeAccount'
    await expect(cleanUpWindows({ accounts: true }, machine())).rejects.toMatchObject({
      step: 'remove-accounts',
      win32: 5,
    })
  })

  it('is not taken away while the journal names a list, which is not changed with these rights', async () => {
    await setUpWindows({}, machine())
    const entry = {
      version: 1,
      id: 'a1',
      path: 'C:\\elsewhere',
      file: '1',
      volume: '2',
      owner: { pid: 1, started: '1' },
      persistent: true,
      ace: { type: 'allow', sid: 'S-1-5-21-1-2-3-4', mask: 1, inherited: true },
      before: null,
      state: 'planned',
    }
    const journal = path.join(folder, '.sandbox/acl-journal.jsonl')
    writeFileSync(journal, `${JSON.stringify(entry)}\n`)
    log = []
    await expect(cleanUpWindows({ accounts: true }, machine())).rejects.toMatchObject({
      step: 'check-access-lists',
      path: 'C:\\elsewhere',
      message: expect.stringMatching(/windows cleanup/),
    })
    expect(log.filter(call => /^(remove|set)/.test(call))).toEqual([])
    expect(windowsSetupStatus({}, machine()).offline).toBe('ready')
  })

  it('is not taken away by a journal that cannot be read, and says which line', async () => {
    await setUpWindows({}, machine())
    const journal = path.join(folder, '.sandbox/acl-journal.jsonl')
    writeFileSync(journal, '{"version":1}\n')
    log = []
    await expect(cleanUpWindows({ accounts: true }, machine())).rejects.toMatchObject({
      code: 'ERR_LAUNCH',
      stage: 'access-lists',
      path: journal,
      message: expect.stringMatching(/line 1: .*Nothing was changed/),
    })
    expect(log.filter(call => call.startsWith('remove'))).toEqual([])
    expect(readFileSync(journal, 'utf8')).toBe('{"version":1}\n')
    expect(windowsSetupStatus({}, machine()).offline).toBe('ready')
  })

  it('refuses wrong settings, and every other system', async () => {
    await expect(setUpWindows({ proxyPorts: [0] }, machine())).rejects.toMatchObject({ option: 'proxyPorts' })
    await expect(setUpWindows({ localBinding: 1 as never }, machine())).rejects.toMatchObject({
      option: 'localBinding',
    })
    await expect(setUpWindows({ other: 1 } as never, machine())).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
    if (process.platform === 'win32') return
    const told = { code: 'ERR_BACKEND_UNAVAILABLE', capability: 'windows' }
    await expect(setUpWindows()).rejects.toMatchObject(told)
    await expect(cleanUpWindows()).rejects.toMatchObject(told)
    expect(() => windowsSetupStatus()).toThrow(expect.objectContaining(told))
  })
})
