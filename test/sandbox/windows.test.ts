/** A sandbox as on Windows, on Linux: everything is real but the disk's drives, the helper and the access lists (`windows-stub.ts`). */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { WindowsCapabilities } from '../../lib/host/capabilities.ts'
import { isUnchangedHelper } from '../../lib/native/seatbelt-helper.ts'
import type { SandboxOptions } from '../../lib/sandbox/options.ts'
import { cleanUpWindows } from '../../lib/sandbox/windows-cleanup.ts'
import { windowsHost } from '../../lib/sandbox/windows-system.ts'
import { makeSandbox, type Sandbox } from '../../lib/sandbox.ts'
import { requireBuild } from '../package/repository.ts'
import { until } from '../process/support.ts'
import { makeWindowsStub, type WindowsStub } from '../support/windows-stub.ts'

const variables = {
  USERPROFILE: 'C:\\users\\u',
  LOCALAPPDATA: 'C:\\state',
  SystemRoot: 'C:\\windows',
  TEMP: 'C:\\t',
  PATH: 'C:\\bin',
}

let folder: string
let stub: WindowsStub

beforeAll(() => {
  requireBuild()
  folder = mkdtempSync(path.join(tmpdir(), 'castellan-windows-'))
  stub = makeWindowsStub(folder)
  mkdirSync(path.join(stub.root, 'c/fresh/.git'), { recursive: true })
})
afterEach(() => {
  stub.setFault(null)
  stub.failAt = null
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function sandboxOf(
  options: Partial<SandboxOptions> = {},
  changes: Partial<WindowsCapabilities> = {},
): Promise<Sandbox> {
  const host = windowsHost({
    capabilities: { ...stub.capabilities, ...changes },
    binding: stub.binding,
    disk: stub.disk,
    variables: () => variables,
    workingDirectory: () => 'C:\\ws',
    isUnchangedHelper,
  })
  return makeSandbox({ policy: 'workspace-write', env: { PATH: 'C:\\bin' }, ...options }, () => host)
}

function isAlive(pid: number): boolean {
  try {
    // One that has ended and was not waited for yet does not run.
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

const asked = () => JSON.parse(readFileSync(path.join(stub.root, 'asked.json'), 'utf8'))
const journal = () => readFileSync(path.join(stub.root, 'c/state/castellan/.sandbox/acl-journal.jsonl'), 'utf8')

describe('a command on Windows', () => {
  it('runs in its place, with its environment and output, through the helper', async () => {
    const sandbox = await sandboxOf({ env: { PATH: 'C:\\bin', OWN: 'a=b' } })
    expect(sandbox.cwd).toBe('C:\\ws')
    const script = 'echo "$OWN $CODEX_SANDBOX_NETWORK_DISABLED $SBX_NONET_ACTIVE"; cat; echo oops >&2; exit 300'
    const given = { input: 'given' }
    const words = ['-c', `PATH=/bin; ${script.replace('300', '77')}`]
    const result = await sandbox.run('sh', words, given)
    expect(result).toMatchObject({
      exitCode: 77,
      signal: null,
      stdout: 'a=b 1 1\ngiven',
      stderr: 'oops\n',
      engine: 'restricted-token',
      planDigest: sandbox.plan.digest,
      policyDigest: sandbox.policy.digest,
    })
    const { program, command_line, cwd, token, sids, ends_with_request } = asked()
    expect({ program, cwd, ends_with_request }).toEqual({
      program: 'C:\\bin\\sh.EXE',
      cwd: 'C:\\ws',
      ends_with_request: true,
    })
    expect(command_line).toMatch(/^C:\\bin\\sh\.EXE -c "/)
    expect(token).toMatchObject({ flags: 0xd, integrity: 'medium' })
    expect(sids['cwd:c:/ws']).toMatch(/^S-1-5-21-\d+-\d+-\d+-\d+$/)
    const sync = sandbox.runSync('sh', words, given)
    expect(sync).toMatchObject({ exitCode: 77, stdout: result.stdout, stderr: result.stderr })
    await sandbox[Symbol.asyncDispose]()
  })

  it('has the contract of spawn, and a fork its channel', async () => {
    const sandbox = await sandboxOf()
    const child = sandbox.spawn('C:\\bin\\sh.exe', ['-c', 'read line; echo "got $line" >&3; exit 4'], {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    })
    const told: string[] = []
    for (const name of ['spawn', 'exit', 'close', 'error']) child.on(name, () => told.push(name))
    let output = ''
    child.stdio[3]?.on('data', part => {
      output += String(part)
    })
    child.stdin?.write('hello\n')
    expect(await new Promise(resolve => child.once('close', (...values) => resolve(values)))).toEqual([4, null])
    expect([output, told, child.stdio.length]).toEqual(['got hello\n', ['spawn', 'exit', 'close'], 4])
    expect(child.spawnfile).toBe('C:\\bin\\sh.exe')

    writeFileSync(
      path.join(stub.root, 'c/ws/module.cjs'),
      "process.once('message', m => process.send({ got: m }, () => process.disconnect()))",
    )
    rmSync(path.join(stub.root, 'c/bin/node.exe'), { force: true })
    const module = path.join(stub.root, 'c/ws/module.cjs')
    const shell = sandbox.fork(module, [], {
      execPath: 'sh',
      execArgv: ['-c', `exec '${process.execPath}' "$0"`],
      silent: true,
    })
    const answer = new Promise(resolve => shell.once('message', resolve))
    const closed = new Promise(resolve => shell.once('close', (...values) => resolve(values)))
    shell.send({ hello: 1 })
    expect(await answer).toEqual({ got: { hello: 1 } })
    expect(await closed).toEqual([0, null])
    await sandbox[Symbol.asyncDispose]()
  })

  it('ends with its whole tree: at the time limit, when aborted, when the sandbox is disposed', async () => {
    const sandbox = await sandboxOf()
    const pids = path.join(stub.root, 'c/ws/pids')
    const script = `PATH=/bin:/usr/bin; sleep 60 & echo $! > '${pids}'; sleep 61`
    const gone = async () => {
      const pid = Number(readFileSync(pids, 'utf8'))
      await until('the tree runs', () => !isAlive(pid), 30_000)
      rmSync(pids)
    }
    const started = () =>
      until('not started', () => existsSync(pids) && readFileSync(pids, 'utf8').endsWith('\n'), 30_000)
    const child = sandbox.spawn('sh', ['-c', script])
    const closed = new Promise(resolve => child.once('close', resolve))
    await started()
    child.terminate()
    await closed
    await gone()
    const abort = new AbortController()
    const running = sandbox.run('sh', ['-c', script], { signal: abort.signal })
    await started()
    abort.abort('enough')
    await expect(running).rejects.toMatchObject({ code: 'ABORT_ERR', cause: 'enough' })
    await gone()
    const timed = await sandbox.run('sh', ['-c', 'PATH=/bin; sleep 60'], { timeout: 400 })
    expect(timed).toMatchObject({ timedOut: true, limit: 'wallClock', exitCode: null, signal: 'SIGTERM' })
    const last = sandbox.run('sh', ['-c', script])
    const rejected = expect(last).rejects.toMatchObject({ cause: { code: 'ERR_SANDBOX_DISPOSED' } })
    await started()
    await sandbox[Symbol.asyncDispose]()
    await rejected
    await gone()
  })

  it('ends when it writes more than its limit, and keeps so much', async () => {
    const sandbox = await sandboxOf({ limits: { outputBytes: 500 } })
    const result = await sandbox.run('sh', ['-c', 'while :; do echo 0123456789; done'])
    expect([result.limit, result.stdout.length]).toEqual(['outputBytes', 500])
    expect(() => sandbox.runSync('sh')).toThrow(expect.objectContaining({ code: 'ERR_LIMIT_NOT_ENFORCEABLE' }))
    const child = sandbox.spawn('sh', ['-c', 'while :; do echo 0123456789; done'])
    child.stdout?.resume()
    await new Promise(resolve => child.once('close', resolve))
    expect(child.limit).toBe('outputBytes')
    await sandbox[Symbol.asyncDispose]()
  })
})

it('has ended, and was not badly started, when it is ended before the helper tells anything', async () => {
  const sandbox = await sandboxOf()
  const child = sandbox.spawn('sh', ['-c', 'sleep 60'])
  const told: string[] = []
  for (const name of ['error', 'exit', 'close']) child.on(name, () => told.push(name))
  child.terminate('SIGKILL', 0)
  await new Promise(resolve => child.once('close', resolve))
  expect(told).toEqual(['exit', 'close'])
  await sandbox[Symbol.asyncDispose]()
})

describe('a program on Windows', () => {
  it('is a batch file only with words in which cmd.exe finds nothing', async () => {
    const sandbox = await sandboxOf()
    const { stdout } = await sandbox.run('tool', ['install', 'a b', 'C:\\dir\\'])
    expect(asked().program).toBe('C:\\windows\\System32\\cmd.exe')
    expect(stdout).toContain('/d /e:on /v:off /s /c')
    expect(asked().command_line).toBe(
      '"C:\\windows\\System32\\cmd.exe" /d /e:on /v:off /s /c ""C:\\bin\\tool.CMD" "install" "a b" "C:\\dir\\\\""',
    )
    for (const word of ['a&b', '%PATH%', '"', 'a|b', '^', '!x!', '>f', 'a\nb', '(x)', '\uff02']) {
      const told = { code: 'ERR_INVALID_OPTION', option: 'args[1]' }
      await expect(sandbox.run('tool.cmd', ['ok', word])).rejects.toMatchObject(told)
      expect(() => sandbox.spawn('tool.cmd', ['ok', word])).toThrow(expect.objectContaining(told))
    }
    await sandbox[Symbol.asyncDispose]()
  })

  it.each([
    ['no-such-program', {}],
    ['sh', { cwd: 'C:\\nowhere' }],
    ['.\\sh', {}],
  ])('that is missing is told as spawn does: %s %j', async (file, options) => {
    const sandbox = await sandboxOf()
    const told = { name: 'SpawnError', code: 'ENOENT', path: file }
    await expect(sandbox.run(file, [], options)).rejects.toMatchObject(told)
    expect(() => sandbox.runSync(file, [], options)).toThrow(expect.objectContaining(told))
    const child = sandbox.spawn(file, [], options)
    const names: string[] = []
    for (const name of ['spawn', 'exit', 'close']) child.on(name, () => names.push(name))
    expect(await new Promise(resolve => child.once('error', resolve))).toMatchObject(told)
    await until('not closed', () => names.length > 0, 30_000)
    expect(names).toEqual(['close'])
    await sandbox[Symbol.asyncDispose]()
  })

  it('that the system cannot execute is told so too', async () => {
    const sandbox = await sandboxOf()
    await expect(sandbox.run('broken')).rejects.toMatchObject({ name: 'SpawnError', code: 'ENOEXEC' })
    await sandbox[Symbol.asyncDispose]()
  })
})

describe('the null device', () => {
  const entries = () => (stub.lists()['nul'] ?? []).map(({ type, mask }) => [type, mask])

  it('is opened for the command while it may run, and closed again', async () => {
    const sandbox = await sandboxOf()
    expect(entries()).toEqual([['allow', 0x12019f]])
    await sandbox[Symbol.asyncDispose]()
    expect(entries()).toEqual([])
    const everyone = await sandboxOf({ windows: { everyone: true } })
    expect(entries()).toEqual([])
    await everyone[Symbol.asyncDispose]()
  })

  it.each(['describeObject', 'readAcl', 'setAce'])('stays as it is where that is not permitted: %s', async name => {
    stub.failAt = { name, at: 0, win32: 5, path: '\\\\.\\NUL' }
    const sandbox = await sandboxOf()
    expect((await sandbox.run('sh', ['-c', 'exit 3'])).exitCode).toBe(3)
    await sandbox[Symbol.asyncDispose]()
    expect(entries()).toEqual([])
    stub.failAt = { name, at: 0, win32: 6, path: '\\\\.\\NUL' }
    await expect(sandboxOf()).rejects.toMatchObject({ code: 'ERR_LAUNCH', stage: 'access-lists' })
  })
})

describe('an object that was moved with an entry on it', () => {
  const at = (name: string) => path.join(stub.root, 'c', name)
  const granted = (key: string) => (stub.lists()[key] ?? []).length

  it('is found by its number when the entry is taken off', async () => {
    mkdirSync(at('moving/.git'), { recursive: true })
    const sandbox = await sandboxOf({ cwd: 'C:\\moving' })
    expect([granted('c:/moving'), granted('c:/moving/.git')]).toEqual([1, 1])
    renameSync(at('moving'), at('moved'))
    await sandbox[Symbol.asyncDispose]()
    // Grants of writing outlive the sandbox, wherever they are.
    const options = { stateDirectory: 'C:\\state\\castellan' }
    const machine = () => ({
      binding: stub.binding as never,
      variables: () => variables,
      onDisk: (place: string) => stub.disk.toDisk(place as never),
      now: () => '',
      start: null,
    })
    stub.failAt = { name: 'findObject', at: 0, win32: 34 }
    const left = await cleanUpWindows(options, machine)
    expect([...left.left].filter(place => place.startsWith('C:\\moving'))).not.toEqual([])
    expect(granted('c:/moved') + granted('c:/moving')).toBeGreaterThan(0)
    stub.failAt = null
    expect((await cleanUpWindows(options, machine)).left).toEqual([])
    expect(stub.lists()).toEqual({})
    expect(journal()).toBe('')
    rmSync(at('moved'), { recursive: true })
  })

  it('and one that is gone needs nothing any more', async () => {
    mkdirSync(at('going/.git'), { recursive: true })
    const sandbox = await sandboxOf({ cwd: 'C:\\going' })
    rmSync(at('going'), { recursive: true })
    await sandbox[Symbol.asyncDispose]()
    const again = await sandboxOf()
    await again[Symbol.asyncDispose]()
    expect(journal()).not.toMatch(/revoked.*planned.*going/)
  })
})

describe('nothing runs on Windows', () => {
  const witness = () => path.join(stub.root, 'c/ws/ran')
  const words = () => ['-c', `: > '${witness()}'`]

  const stages = ['request', 'open-token', 'find-sid', 'restrict-token', 'default-dacl', 'privileges', 'integrity']
  const later = ['verify-token', 'job', 'desktop', 'handles', 'create-process', 'verify-process', 'resume']

  it.each([...stages, ...later])('when the helper reports a failure of %s', async stage => {
    const sandbox = await sandboxOf()
    stub.setFault({ error: { stage, win32: 1314, message: 'stub' } })
    await expect(sandbox.run('sh', words())).rejects.toMatchObject({ code: 'ERR_LAUNCH', stage })
    expect(existsSync(witness())).toBe(false)
    await sandbox[Symbol.asyncDispose]()
  })

  it('when the helper says what it cannot say, or nothing', async () => {
    const sandbox = await sandboxOf()
    const frames = ['\xff\xff\xff\xff', '\x02\0\0\0{}', '\x04\0\0\0nope']
    for (const fault of [{ silent: true }, ...frames.map(say => ({ say }))]) {
      stub.setFault(fault)
      await expect(sandbox.run('sh', words())).rejects.toMatchObject({ code: 'ERR_LAUNCH', stage: 'helper' })
      const child = sandbox.spawn('sh', words())
      expect(await new Promise(resolve => child.once('error', resolve))).toMatchObject({ code: 'ERR_LAUNCH' })
    }
    stub.setFault({ silent: true })
    expect(() => sandbox.runSync('sh', words())).toThrow(expect.objectContaining({ code: 'ERR_LAUNCH' }))
    expect(existsSync(witness())).toBe(false)
    await sandbox[Symbol.asyncDispose]()
  })

  it('and an end that nobody told is no end', async () => {
    const sandbox = await sandboxOf()
    stub.setFault({ mute: true })
    await expect(sandbox.run('sh', ['-c', 'exit 0'])).rejects.toMatchObject({ code: 'ERR_LAUNCH', stage: 'helper' })
    stub.setFault({ lost: true })
    await expect(sandbox.run('sh', ['-c', 'exit 0'])).rejects.toMatchObject({ code: 'ERR_LAUNCH', stage: 'wait' })
    expect(() => sandbox.runSync('sh', ['-c', 'exit 0'])).toThrow(expect.objectContaining({ stage: 'wait' }))
    await sandbox[Symbol.asyncDispose]()
  })

  it.each(['describeObject', 'readAcl', 'setAce', 'lockMutex', 'busy'])(
    'when the access lists cannot be changed: %s',
    async name => {
      rmSync(path.join(stub.root, 'c/state/castellan'), { recursive: true, force: true })
      stub.failAt = { name, at: 0 }
      await expect(sandboxOf({ cwd: 'C:\\data' })).rejects.toMatchObject({ code: 'ERR_LAUNCH', stage: 'access-lists' })
    },
  )

  it('and a start that failed at any change of a list leaves no entry, and a journal that can be read', async () => {
    rmSync(path.join(stub.root, 'c/state/castellan'), { recursive: true, force: true })
    for (const name of ['readAcl', 'setAce']) {
      const before = stub.lists()
      for (let at = 0; ; at++) {
        stub.failAt = { name, at, once: true }
        const sandbox = await sandboxOf({ cwd: 'C:\\fresh' }).catch(error => {
          expect(error).toMatchObject({ code: 'ERR_LAUNCH', stage: 'access-lists' })
          return null
        })
        const isOver = stub.failAt.at >= 0
        stub.failAt = null
        if (sandbox !== null) await sandbox[Symbol.asyncDispose]()
        if (isOver) break
        expect(stub.lists()).toEqual(before)
      }
      stub.clear('c:/fresh')
      rmSync(path.join(stub.root, 'c/state/castellan'), { recursive: true, force: true })
    }
  })

  it('when any call of the addon fails, until the access lists are in force', async () => {
    const calls = ['probe', 'processStarted', 'describeObject', 'readAcl', 'setAce', 'lockMutex'] as const
    let refused = 0
    for (const name of calls) {
      for (let at = 0; at < 200; at++) {
        rmSync(path.join(stub.root, 'c/state/castellan'), { recursive: true, force: true })
        stub.clear('c:/fresh')
        stub.failAt = { name, at, once: true }
        let ran = false
        const made = await sandboxOf({ cwd: 'C:\\fresh' }).then(
          async sandbox => {
            ran = (await sandbox.run('sh', words()).catch(() => null)) !== null
            await sandbox[Symbol.asyncDispose]()
            return null
          },
          error => error,
        )
        const isOver = stub.failAt.at >= 0
        stub.failAt = null
        const isThere = existsSync(witness())
        rmSync(witness(), { force: true })
        if (isOver) break
        // What came after everything was in force may have run; what failed before may not.
        if (made !== null) expect([ran, made.code, made.stage]).toEqual([false, 'ERR_LAUNCH', 'access-lists'])
        if (made !== null) refused++
        expect(isThere).toBe(ran)
      }
    }
    expect(refused).toBeGreaterThan(10)
  })

  it('when the state is damaged', async () => {
    const state = path.join(stub.root, 'c/state/castellan/.sandbox')
    const sandbox = await sandboxOf()
    await sandbox[Symbol.asyncDispose]()
    for (const name of ['capabilities.json', 'acl-journal.jsonl']) {
      const before = readFileSync(path.join(state, name))
      writeFileSync(path.join(state, name), 'nonsense\n')
      await expect(sandboxOf()).rejects.toMatchObject({
        code: 'ERR_LAUNCH',
        stage: 'access-lists',
        message: expect.stringContaining('Nothing was changed'),
      })
      writeFileSync(path.join(state, name), before)
    }
  })

  it.each([
    ['windows-helper', { helper: { available: false, how: 'taken away', path: null } }, {}],
    ['restricted-token', { restrictedToken: { available: false, how: 'taken away' } }, {}],
    ['nested-sandbox', { restricted: true }, {}],
    ['windows-runner', {}, { windows: { backend: 'elevated' } }],
  ] as const)('without what it takes: %s', async (capability, changes, options) => {
    await expect(sandboxOf(options, changes)).rejects.toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE', capability })
  })

  it('under a plan with a limit that the host refuses, and with options that mean nothing there', async () => {
    await expect(sandboxOf({ windows: { refuseLimits: ['read-open'] } })).rejects.toMatchObject({
      code: 'ERR_POLICY_NOT_ENFORCEABLE',
      mechanism: 'windows read-open',
    })
    await expect(sandboxOf({ limits: { memory: 100_000 } })).rejects.toMatchObject({ mechanism: 'windows' })
    const wrong: readonly [Partial<SandboxOptions>, string][] = [
      [{ git: 'writable' }, 'git'],
      [{ windows: { refuseLimits: ['no-such' as never] } }, 'windows.refuseLimits[0]'],
      [{ windows: { backend: 'other' as never } }, 'windows.backend'],
      [{ windows: { stateDirectory: 'relative' } }, 'windows.stateDirectory'],
      [{ cwd: 'C:\\ws:stream' }, 'path'],
    ]
    for (const [options, option] of wrong) {
      await expect(sandboxOf(options)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', option })
    }
    const sandbox = await sandboxOf()
    await expect(sandbox.run('sh', [], { umask: 0o77 })).rejects.toMatchObject({ option: 'umask' })
    await expect(sandbox.run('sh', [], { lifetime: 'session' })).rejects.toMatchObject({ option: 'lifetime' })
    expect(() => sandbox.wrap('sh')).toThrow(expect.objectContaining({ capability: 'wrap' }))
    await sandbox[Symbol.asyncDispose]()
  })

  it('when the helper is not the file that it was', async () => {
    const sandbox = await sandboxOf()
    const { path: helper } = stub.capabilities.helper
    writeFileSync(helper!, readFileSync(helper!))
    await expect(sandbox.run('sh')).rejects.toMatchObject({ code: 'ERR_LAUNCH', stage: 'helper' })
    await sandbox[Symbol.asyncDispose]()
  })
})

describe('the access lists of a sandbox on Windows', () => {
  it('explain a path, and are journaled before they change', async () => {
    const sandbox = await sandboxOf()
    expect(sandbox.explain('sub\\file')).toMatchObject({ access: 'write', policyAccess: 'write' })
    expect(sandbox.explain('.git\\config')).toMatchObject({
      access: 'read',
      planLine: expect.stringContaining('access deny'),
    })
    const deny = stub.lists()['c:/ws/.git']?.find(({ type }) => type === 'deny')
    expect(deny?.mask).toBe(0x000d_0156)
    expect(stub.lists()['c:/ws']?.some(({ type, mask }) => type === 'allow' && mask === 0x0013_01bf)).toBe(true)
    expect(journal()).toMatch(/"state":"planned"[\s\S]*"state":"applied"/)
    await sandbox[Symbol.asyncDispose]()
  })
})
