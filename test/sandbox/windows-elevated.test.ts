/** A sandbox of the elevated backend, on Linux: accounts, their setup and the helper are stood in for (`windows-stub.ts`). */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import { isUnchangedHelper } from '../../lib/native/seatbelt-helper.ts'
import type { SandboxOptions } from '../../lib/sandbox/options.ts'
import { windowsHost } from '../../lib/sandbox/windows-system.ts'
import { makeSandbox, type Sandbox } from '../../lib/sandbox.ts'
import { requireBuild } from '../package/repository.ts'
import { makeWindowsStub, type WindowsStub } from '../support/windows-stub.ts'

const group = 'S-1-5-21-7-7-7-1016'
const marker = { version: 5, offline_username: 'CastellanOffline', online_username: 'CastellanOnline' }
const user = (name: string) => ({ username: name, password: Buffer.from(`blob of ${name}`).toString('base64') })

let folder: string
let stub: WindowsStub
const state = (name: string) => path.join(stub.root, 'c/state/castellan', name)

beforeAll(() => {
  requireBuild()
  folder = mkdtempSync(path.join(tmpdir(), 'castellan-windows-'))
  stub = makeWindowsStub(folder)
  for (const name of ['.sandbox', '.sandbox-bin', '.sandbox-secrets']) mkdirSync(state(name), { recursive: true })
  setUp()
})
afterEach(() => {
  stub.setFault(null)
  stub.failAt = null
  setUp()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function setUp() {
  writeFileSync(state('.sandbox/setup_marker.json'), JSON.stringify(marker))
  const users = { version: 5, offline: user('CastellanOffline'), online: user('CastellanOnline') }
  writeFileSync(state('.sandbox-secrets/sandbox_users.json'), JSON.stringify(users))
}

function sandboxOf(options: Partial<SandboxOptions> = {}): Promise<Sandbox> {
  const host = windowsHost({
    capabilities: { ...stub.capabilities, runner: { available: true, how: 'stub' } },
    binding: stub.binding,
    disk: stub.disk,
    variables: () => ({ LOCALAPPDATA: 'C:\\state', SystemRoot: 'C:\\windows', TEMP: 'C:\\t', PATH: 'C:\\bin' }),
    workingDirectory: () => 'C:\\ws',
    isUnchangedHelper,
  })
  const common = { policy: 'workspace-write', env: { PATH: 'C:\\bin' }, windows: { backend: 'elevated' } } as const
  return makeSandbox({ ...common, ...options }, () => host)
}

const told = (name: string) => JSON.parse(readFileSync(path.join(stub.root, name), 'utf8'))
const witness = () => path.join(stub.root, 'c/ws/ran')
const words = () => ['-c', `: > '${witness()}'`]

describe('a command of the elevated backend', () => {
  it('runs as the account that its network asks for, by a runner that the account may read', async () => {
    for (const [network_access, account] of [
      [false, 'CastellanOffline'],
      [true, 'CastellanOnline'],
    ] as const) {
      const sandbox = await sandboxOf({ policy: { type: 'workspace-write', network_access } })
      for (const run of [
        sandbox.run.bind(sandbox),
        async (...given: [string, string[]]) => sandbox.runSync(...given),
      ]) {
        const result = await run('sh', ['-c', 'echo out; echo err >&2; exit 9'])
        expect(result).toMatchObject({ exitCode: 9, stdout: 'out\n', stderr: 'err\n', engine: 'elevated' })
        expect(told('logon.json')).toMatchObject({
          ...{ type: 'logon_request', version: 1, account },
          ...{ account_sid: `S-1-5-21-7-7-7-${1000 + account.length}`, secret: user(account).password },
        })
      }
      const { token } = told('asked.json')
      expect(token.restricting).toContain('account')
      expect(token.restricting).not.toContain('everyone')
      await sandbox[Symbol.asyncDispose]()
    }
    const { runner } = told('logon.json')
    expect(runner).toMatch(/^C:\\state\\castellan\\\.sandbox-bin\\castellan-runner-[0-9a-f]{32}\.exe$/)
    const copy = state(`.sandbox-bin/${runner.split('\\').at(-1)}`)
    expect(readFileSync(copy)).toEqual(readFileSync(stub.capabilities.helper.path!))
    writeFileSync(copy, 'something else')
    const sandbox = await sandboxOf()
    await sandbox.run('sh', ['-c', 'exit 0'])
    expect(readFileSync(copy)).toEqual(readFileSync(stub.capabilities.helper.path!))
    expect(readdirSync(state('.sandbox-bin'))).toHaveLength(1)
    await sandbox[Symbol.asyncDispose]()
  })

  it('ends with this process where that can be told, and not with the end of a file', async () => {
    const sandbox = await sandboxOf()
    await sandbox.run('sh', ['-c', 'exit 0'])
    expect(told('logon.json').ends_with_request).toBe(true)
    sandbox.runSync('sh', ['-c', 'exit 0'])
    expect(told('logon.json').ends_with_request).toBe(false)
    expect(told('asked.json').ends_with_request).toBeUndefined()
    await sandbox[Symbol.asyncDispose]()
  })

  it('runs with the settings that the setup was done for', async () => {
    const network = { proxy_ports: [8080, 3128], allow_local_binding: true }
    writeFileSync(state('.sandbox/setup_marker.json'), JSON.stringify({ ...marker, ...network }))
    const windows = { backend: 'elevated', proxyPorts: [3128, 8080], localBinding: true } as const
    const sandbox = await sandboxOf({ windows })
    expect((await sandbox.run('sh', ['-c', 'exit 6'])).exitCode).toBe(6)
    expect(sandbox.runSync('sh', ['-c', 'exit 6']).exitCode).toBe(6)
    await sandbox[Symbol.asyncDispose]()
    for (const change of [{ proxyPorts: [8080] }, { localBinding: false }])
      await expect(sandboxOf({ windows: { ...windows, ...change } })).rejects.toMatchObject({
        message: expect.stringContaining('offline-network-settings-changed'),
      })
    for (const [name, value] of [
      ['proxyPorts', [0]],
      ['localBinding', 'yes'],
    ])
      await expect(sandboxOf({ windows: { [name as string]: value } })).rejects.toMatchObject({
        code: 'ERR_INVALID_OPTION',
        option: `windows.${name}`,
      })
  })

  it('gets three streams and no more', async () => {
    const sandbox = await sandboxOf()
    const stdio = ['pipe', 'pipe', 'pipe', 'pipe'] as const
    expect(() => sandbox.spawn('sh', [], { stdio: [...stdio] })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_OPTION', option: 'stdio' }),
    )
    await sandbox[Symbol.asyncDispose]()
  })

  it("has its accounts' group on the lists while the sandbox is there, and no longer", async () => {
    const sandbox = await sandboxOf()
    const grants = () => stub.lists()['c:/ws']?.filter(({ type, sid }) => type === 'allow' && sid === group)
    await sandbox.run('sh', ['-c', 'exit 0'])
    expect(grants()).toHaveLength(1)
    await sandbox[Symbol.asyncDispose]()
    expect(grants() ?? []).toEqual([])
  })
})

describe('nothing runs as an account', () => {
  it.each([
    ['the accounts have no password', () => rmSync(state('.sandbox-secrets/sandbox_users.json'))],
    ['a setup has begun', () => writeFileSync(state('.sandbox/setup_marker.json'), '')],
    [
      'the marker names other accounts',
      () => {
        writeFileSync(state('.sandbox/setup_marker.json'), JSON.stringify({ ...marker, offline_username: 'Other' }))
      },
    ],
    [
      'the firewall is set for something else',
      () => {
        writeFileSync(state('.sandbox/setup_marker.json'), JSON.stringify({ ...marker, proxy_ports: [8080] }))
      },
    ],
  ])('when %s, before a sandbox is made or after', async (_name, break_) => {
    const sandbox = await sandboxOf()
    break_()
    const refused = { code: 'ERR_LAUNCH', stage: 'logon' }
    await expect(sandbox.run('sh', words())).rejects.toMatchObject(refused)
    expect(() => sandbox.runSync('sh', words())).toThrow(expect.objectContaining(refused))
    const child = sandbox.spawn('sh', words())
    expect(await new Promise(resolve => child.once('error', resolve))).toMatchObject(refused)
    expect(existsSync(witness())).toBe(false)
    await sandbox[Symbol.asyncDispose]()
    await expect(sandboxOf()).rejects.toMatchObject({ message: expect.stringContaining('castellan windows setup') })
  })

  it('when its group or its account is gone', async () => {
    stub.failAt = { name: 'sidOfAccount', at: 0 }
    await expect(sandboxOf()).rejects.toMatchObject({ code: 'ERR_LAUNCH', stage: 'logon' })
    stub.failAt = null
    const sandbox = await sandboxOf()
    stub.failAt = { name: 'sidOfAccount', at: 0 }
    await expect(sandbox.run('sh', words())).rejects.toMatchObject({ code: 'ERR_LAUNCH', stage: 'logon' })
    expect(existsSync(witness())).toBe(false)
    await sandbox[Symbol.asyncDispose]()
  })

  it.each(['request', 'secret', 'pipes', 'logon', 'job', 'handshake', 'account', 'verify-token', 'runner'])(
    'when the helper reports a failure of %s',
    async stage => {
      const sandbox = await sandboxOf()
      stub.setFault({ error: { stage, win32: 1326, message: 'stub' } })
      await expect(sandbox.run('sh', words())).rejects.toMatchObject({ code: 'ERR_LAUNCH', stage })
      expect(existsSync(witness())).toBe(false)
      await sandbox[Symbol.asyncDispose]()
    },
  )

  it('when the runner cannot be put in its place', async () => {
    const sandbox = await sandboxOf()
    await sandbox.run('sh', ['-c', 'exit 0'])
    const [name] = readdirSync(state('.sandbox-bin'))
    rmSync(state(`.sandbox-bin/${name}`))
    mkdirSync(state(`.sandbox-bin/${name}`))
    await expect(sandbox.run('sh', words())).rejects.toMatchObject({ code: 'ERR_LAUNCH', stage: 'logon' })
    rmSync(state('.sandbox-bin'), { recursive: true })
    mkdirSync(state('.sandbox-bin'))
    expect(existsSync(witness())).toBe(false)
    await sandbox[Symbol.asyncDispose]()
  })
})
