/**
 * A sandbox as on a Mac, on Linux: everything is real but for Seatbelt itself, whose place a stub takes that confines nothing.
 * What is seen is who starts commands, what they get, how they end, and what is told when they cannot be started.
 */
import { execFileSync, spawn as plainSpawn } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { DarwinCapabilities } from '../../lib/host/capabilities.ts'
import { currentSurroundings } from '../../lib/host/surroundings.ts'
import { isUnchangedHelper } from '../../lib/native/seatbelt-helper.ts'
import { macosHost } from '../../lib/sandbox/macos-system.ts'
import type { SandboxOptions } from '../../lib/sandbox/options.ts'
import { makeSandbox } from '../../lib/sandbox.ts'
import { until } from '../process/support.ts'
import { buildSeatbeltStub, compilerMissing } from '../support/seatbelt-stub.ts'

function isAlive(pid: number): boolean {
  try {
    // One that has ended and was not waited for yet does not run.
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

function signalGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

/** As the system's program behaves, but that it confines nothing; a profile can ask for its failures. */
const sandboxExecScript = `#!/bin/sh
[ "$1" = -p ] || exit 64
case $2 in
*'stub: uncompilable'*) echo 'sandbox-exec: <input string>:3: unbound variable' >&2; exit 65 ;;
esac
[ -z "$STUB_REFUSES" ] || { echo 'sandbox-exec: sandbox_apply: Operation not permitted' >&2; exit 71; }
shift 2
while [ "$1" != -- ]; do shift; done
shift
command -v "$1" >/dev/null || {
  echo "sandbox-exec: execvp() of '$1' failed: No such file or directory" >&2
  exit 71
}
exec "$@"
`

/** A folder of PATH that this user may not search makes EACCES of a missing program, as execvp(3) does. */
const readablePath = { PATH: '/usr/bin:/bin' }

describe.skipIf(compilerMissing !== null)(
  `a sandbox on macOS${compilerMissing === null ? '' : ` (${compilerMissing})`}`,
  () => {
    let folder: string
    let cwd: string
    let capabilities: DarwinCapabilities

    beforeAll(() => {
      folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'castellan-mac-')))
      cwd = path.join(folder, 'workspace')
      mkdirSync(cwd)
      const helper = buildSeatbeltStub(folder)
      const sandboxExec = path.join(folder, 'sandbox-exec')
      writeFileSync(sandboxExec, sandboxExecScript, { mode: 0o755 })
      capabilities = {
        platform: 'darwin',
        architecture: 'arm64',
        kernelRelease: '23.0.0',
        seatbelt: { available: true, how: 'stub' },
        helper: { available: true, how: 'stub', path: helper },
        sandboxExec: { available: true, how: 'stub', path: sandboxExec },
        sandboxed: false,
        userCacheDirectory: null,
      }
    }, 120_000)

    afterAll(() => rmSync(folder, { recursive: true, force: true }))

    /** What is ended by a time limit after it has made the file `ready`, however long that takes on a busy machine. */
    async function inTime<Result>(ready: string, attempt: (timeout: number) => Promise<Result>): Promise<Result> {
      for (let timeout = 600; ; timeout *= 3) {
        const result = await attempt(timeout)
        if (existsSync(ready) || timeout > 30_000) return result
      }
    }

    const lonely = { available: false, how: 'taken away', path: null }

    function sandboxOf(options: Partial<SandboxOptions> = {}, changes: Partial<DarwinCapabilities> = {}) {
      const surroundings: typeof currentSurroundings = given => currentSurroundings({ ...given, platform: 'darwin' })
      const host = macosHost({ capabilities: { ...capabilities, ...changes }, surroundings, isUnchangedHelper })
      const policy = { type: 'workspace-write', exclude_slash_tmp: true, exclude_tmpdir_env_var: true }
      return makeSandbox({ policy, cwd, ...options }, () => host)
    }

    const ways = [
      ['the helper', {}],
      ['sandbox-exec', { helper: { available: false, how: 'taken away', path: null } }],
    ] as const

    describe.each(ways)('through %s', (way, changes) => {
      it('runs a command in its place, with its environment and output', async () => {
        const sandbox = await sandboxOf({ env: { PATH: '/usr/bin:/bin', OWN: 'a=b' } }, changes)
        expect(sandbox.plan).toMatchObject({ engine: 'seatbelt', starter: { kind: way.replace('the ', '') } })
        const script = 'echo "$OWN $CODEX_SANDBOX $CODEX_SANDBOX_NETWORK_DISABLED"; pwd; cat; echo oops >&2; exit 3'
        const result = await sandbox.run('sh', ['-c', script], { input: 'given' })
        expect(result).toMatchObject({
          exitCode: 3,
          signal: null,
          stdout: `a=b seatbelt 1\n${cwd}\ngiven`,
          stderr: 'oops\n',
          engine: 'seatbelt',
          limit: null,
          planDigest: sandbox.plan.digest,
        })
        expect(sandbox.runSync('sh', ['-c', script], { input: 'given' })).toMatchObject({
          exitCode: 3,
          stdout: result.stdout,
          stderr: result.stderr,
        })
      })

      it('has the contract of spawn', async () => {
        const sandbox = await sandboxOf({}, changes)
        const child = sandbox.spawn('/bin/sh', ['-c', 'echo $$; read line; echo "got $line"; kill -USR1 $$'])
        const told: string[] = []
        for (const name of ['spawn', 'exit', 'close', 'error']) child.on(name, () => told.push(name))
        let output = ''
        child.stdout?.on('data', part => {
          output += String(part)
        })
        child.stdin?.write('hello\n')
        const end = await new Promise(resolve => child.once('close', (...values) => resolve(values)))
        expect(end).toEqual([null, 'SIGUSR1'])
        expect(output).toBe(`${child.pid}\ngot hello\n`)
        expect(told).toEqual(['spawn', 'exit', 'close'])
        expect(child.spawnfile).toBe('/bin/sh')
        expect(child.spawnargs.slice(0, 2)).toEqual(['/bin/sh', '-c'])
        expect(child.stdio).toHaveLength(3)
      })

      it('gives further descriptors and no other', async () => {
        const sandbox = await sandboxOf({}, changes)
        const child = sandbox.spawn('sh', ['-c', 'ls /proc/$$/fd >&3'], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] })
        let output = ''
        child.stdio[3]?.on('data', part => {
          output += String(part)
        })
        await new Promise(resolve => child.once('close', resolve))
        // The shell keeps descriptors of its own from 10 on.
        expect(output.split('\n').filter(line => /^[0-9]$/.test(line))).toEqual(['0', '1', '2', '3'])
      })

      it('ends the whole tree at the time limit, also what left the group', async () => {
        const sandbox = await sandboxOf({}, changes)
        const pids = path.join(cwd, `pids-${way}`)
        const ready = path.join(cwd, `started-${way}`)
        const script = `sleep 90 & echo $! > '${pids}'; setsid sleep 91 & echo $! >> '${pids}'; : > '${ready}'; sleep 92`
        const result = await inTime(ready, timeout =>
          sandbox.run('sh', ['-c', script], { timeout, forceKillAfterDelay: 100 }),
        )
        expect(result).toMatchObject({ timedOut: true, limit: 'wallClock', exitCode: null, signal: 'SIGTERM' })
        const left = readFileSync(pids, 'utf8').trim().split('\n').map(Number)
        expect(left).toHaveLength(2)
        await until('the tree runs', () => left.every(pid => !isAlive(pid)))
      })

      it('sends SIGKILL to what does not end by itself', async () => {
        const sandbox = await sandboxOf({}, changes)
        const ready = path.join(cwd, `trapping-${way}`)
        const script = `trap "" TERM; : > '${ready}'; while :; do sleep 0.05; done`
        const result = await inTime(ready, timeout =>
          sandbox.run('sh', ['-c', script], { timeout, forceKillAfterDelay: 200 }),
        )
        expect(result).toMatchObject({ timedOut: true, signal: 'SIGKILL' })
        expect(sandbox.runSync('sh', ['-c', script], { timeout: 300 })).toMatchObject({
          timedOut: true,
          limit: 'wallClock',
          signal: 'SIGKILL',
        })
      })

      it('ends background processes with the command, unless they may stay', async () => {
        const sandbox = await sandboxOf({}, changes)
        const script = 'sleep 60 > /dev/null 2>&1 & echo $!'
        const gone = Number((await sandbox.run('sh', ['-c', script])).stdout)
        await until('it runs', () => !isAlive(gone))
        const goneToo = Number(sandbox.runSync('sh', ['-c', script]).stdout)
        await until('it runs', () => !isAlive(goneToo))
        const stays = Number((await sandbox.run('sh', ['-c', script], { lifetime: 'session' })).stdout)
        expect(isAlive(stays)).toBe(true)
        process.kill(stays, 'SIGKILL')
      })

      it('ends what stays behind when it is asked to, later', async () => {
        const sandbox = await sandboxOf({}, changes)
        const script = 'sleep 60 > /dev/null 2>&1 & echo $!'
        const child = sandbox.spawn('sh', ['-c', script], { lifetime: 'session' })
        const pid = await new Promise<number>(resolve => child.stdout?.once('data', part => resolve(Number(part))))
        await new Promise(resolve => child.once('close', resolve))
        expect(isAlive(pid)).toBe(true)
        child.terminate('SIGKILL', 0)
        await until('it ends', () => !isAlive(pid))
        // There is nothing left to be ended, whoever has the number now.
        child.terminate('SIGKILL', 0)
      })

      it('ends a command that is aborted', async () => {
        const sandbox = await sandboxOf({}, changes)
        const abort = new AbortController()
        const running = sandbox.run('sleep', ['60'], { signal: abort.signal })
        setTimeout(() => abort.abort('enough'), 300)
        await expect(running).rejects.toMatchObject({ code: 'ABORT_ERR', cause: 'enough' })
        await expect(sandbox.run('true', [], { signal: AbortSignal.abort() })).rejects.toMatchObject({
          code: 'ABORT_ERR',
        })
        const second = new AbortController()
        const child = sandbox.spawn('sleep', ['60'], { signal: second.signal })
        const failed = new Promise(resolve => child.once('error', resolve))
        const closed = new Promise(resolve => child.once('close', (...values) => resolve(values)))
        child.once('spawn', () => second.abort())
        expect(await failed).toMatchObject({ code: 'ABORT_ERR' })
        expect(await closed).toEqual([null, 'SIGTERM'])
      })

      it('ends what runs when it is disposed', async () => {
        const sandbox = await sandboxOf({}, changes)
        const running = sandbox.run('sleep', ['60'])
        const child = sandbox.spawn('sleep', ['60'])
        const closed = new Promise(resolve => child.once('close', (...values) => resolve(values)))
        await new Promise(resolve => child.once('spawn', resolve))
        sandbox[Symbol.dispose]()
        await expect(running).rejects.toMatchObject({ code: 'ABORT_ERR', cause: { code: 'ERR_SANDBOX_DISPOSED' } })
        expect(await closed).toEqual([null, 'SIGKILL'])
        await expect(sandbox.run('true')).rejects.toMatchObject({ code: 'ERR_SANDBOX_DISPOSED' })
      })

      it('keeps so much output as was asked for, and reads the rest', async () => {
        const sandbox = await sandboxOf({}, changes)
        const script = 'head -c 300000 /dev/zero'
        const kept = await sandbox.run('sh', ['-c', script], { maxBuffer: 1000, encoding: 'buffer' })
        expect(kept).toMatchObject({ exitCode: 0, isMaxBuffer: true })
        expect(kept.stdout).toHaveLength(1000)
        const sync = sandbox.runSync('sh', ['-c', script], { maxBuffer: 1000, encoding: 'buffer' })
        expect(sync).toMatchObject({ exitCode: 0, isMaxBuffer: true })
        expect(sync.stdout).toHaveLength(1000)
      })

      it('ends a command that writes more than its limit', async () => {
        const sandbox = await sandboxOf({ limits: { outputBytes: 5000 } }, changes)
        const result = await sandbox.run('sh', ['-c', 'yes & yes >&2; wait'])
        expect(result).toMatchObject({ limit: 'outputBytes', timedOut: false })
        expect(result.stdout.length + result.stderr.length).toBe(5000)
        const child = sandbox.spawn('yes')
        let heard = 0
        child.stdout?.on('data', (part: Buffer) => {
          heard += part.length
        })
        await new Promise(resolve => child.once('close', resolve))
        expect(heard).toBe(5000)
        expect(child.limit).toBe('outputBytes')
      })

      it('tells of a missing directory as spawn does', async () => {
        const sandbox = await sandboxOf({}, changes)
        const options = { cwd: path.join(folder, 'nowhere') }
        const told = { name: 'SpawnError', code: 'ENOENT', syscall: 'spawn true' }
        await expect(sandbox.run('true', [], options)).rejects.toMatchObject(told)
        expect(() => sandbox.runSync('true', [], options)).toThrow(expect.objectContaining(told))
        const child = sandbox.spawn('true', [], options)
        const names: string[] = []
        for (const name of ['spawn', 'exit', 'close']) child.on(name, () => names.push(name))
        expect(await new Promise(resolve => child.once('error', resolve))).toMatchObject(told)
        await until('not closed', () => names.length > 0)
        expect(names).toEqual(['close'])
      })
    })

    it.each(ways)('gives runSync the input that was asked for, through %s', async (way, changes) => {
      const sandbox = await sandboxOf({}, changes)
      const whole = sandbox.runSync('cat', [], { input: Buffer.alloc(300_000, 9), encoding: 'buffer' })
      expect(whole.stdout.equals(Buffer.alloc(300_000, 9))).toBe(true)
      // Nothing in particular is nothing at all, and not the rest of what the helper read. Not through a pipe, whose
      // ends the shell would hold for a moment.
      const script = 'readlink /proc/$$/fd/0; cat; ls /proc/$$/fd >fds; grep -v .. fds'
      expect(sandbox.runSync('sh', ['-c', script]).stdout).toBe('/dev/null\n0\n1\n2\n')
      const file = path.join(cwd, `input-${way}`)
      writeFileSync(file, 'from a file\n')
      const fd = openSync(file, 'r')
      try {
        const given = sandbox.runSync('sh', ['-c', 'cat; ls /proc/$$/fd >fds; grep -v .. fds'], {
          stdio: [fd, 'pipe', 'pipe'],
        })
        expect(given.stdout).toBe('from a file\n0\n1\n2\n')
      } finally {
        closeSync(fd)
      }
    })

    it('lets no file stand between the profile and the helper, which another command could change', async () => {
      const sandbox = await sandboxOf()
      const before = process.env['TMPDIR']
      process.env['TMPDIR'] = path.join(folder, 'nowhere')
      try {
        expect(sandbox.runSync('echo', ['here']).stdout).toBe('here\n')
      } finally {
        if (before === undefined) delete process.env['TMPDIR']
        else process.env['TMPDIR'] = before
      }
    })

    it.each(ways)('tells of a missing program at the end of a run, through %s', async (_way, changes) => {
      const sandbox = await sandboxOf({}, changes)
      const told = { name: 'SpawnError', code: 'ENOENT', path: 'no-such-program', spawnargs: ['x'] }
      await expect(sandbox.run('no-such-program', ['x'], { env: readablePath })).rejects.toMatchObject(told)
      const act = () => sandbox.runSync('no-such-program', ['x'], { env: readablePath })
      expect(act).toThrow(expect.objectContaining(told))
    })

    it('tells of a missing program as spawn does', async () => {
      const sandbox = await sandboxOf()
      const told = { name: 'SpawnError', code: 'ENOENT', path: 'no-such-program' }
      const options = { env: readablePath }
      await expect(sandbox.run('no-such-program', [], options)).rejects.toMatchObject(told)
      expect(() => sandbox.runSync('no-such-program', [], options)).toThrow(expect.objectContaining(told))
      const child = sandbox.spawn('no-such-program', [], options)
      const names: string[] = []
      for (const name of ['spawn', 'exit', 'close']) child.on(name, () => names.push(name))
      expect(await new Promise(resolve => child.once('error', resolve))).toMatchObject(told)
      await until('not closed', () => names.length > 0)
      expect(names).toEqual(['close'])
      expect(child.pid).toBeUndefined()
    })

    it('holds commands to a file mode mask and a name of their own', async () => {
      const sandbox = await sandboxOf({ umask: 0o077 })
      const script = 'echo "$0"; umask'
      expect((await sandbox.run('sh', ['-c', script, 'sh'], { argv0: 'other' })).stdout).toMatch(/0077\n$/)
      expect(sandbox.runSync('sh', ['-c', script, 'sh']).stdout).toMatch(/0077\n$/)
      const without = await sandboxOf({ umask: 0o077 }, { helper: lonely })
      await expect(without.run('true')).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'umask' })
    })

    it('tells what sandbox-exec failed at, and leaves the same exit codes to commands', async () => {
      const sandbox = await sandboxOf({ env: { PATH: '/usr/bin:/bin', STUB_REFUSES: '1' } }, { helper: lonely })
      expect(sandbox.notices.map(({ code }) => code)).toContain('seatbelt-helper-missing')
      const told = { code: 'ERR_LAUNCH', stage: 'apply' }
      await expect(sandbox.run('true')).rejects.toMatchObject(told)
      expect(() => sandbox.runSync('true')).toThrow(expect.objectContaining(told))
      const plain = await sandboxOf({}, { helper: lonely })
      for (const code of [65, 71]) {
        expect((await plain.run('sh', ['-c', `exit ${code}`])).exitCode).toBe(code)
      }
    })

    it('refuses where a second sandbox cannot be entered, and says so', async () => {
      await expect(sandboxOf({}, { sandboxed: true })).rejects.toMatchObject({
        code: 'ERR_BACKEND_UNAVAILABLE',
        capability: 'nested-sandbox',
        message: expect.stringContaining('in a sandbox already') as string,
      })
    })

    it('confines nothing where the policy closes nothing', async () => {
      const sandbox = await sandboxOf({ policy: 'danger-full-access' }, { sandboxed: true })
      expect(sandbox.plan).toMatchObject({ kind: 'macos', engine: 'unconfined' })
      const script = 'echo "$0 $CODEX_SANDBOX."'
      const result = await sandbox.run('sh', ['-c', script, 'named'])
      expect(result).toMatchObject({ exitCode: 0, stdout: 'named .\n', engine: 'unconfined' })
      expect(sandbox.runSync('sh', ['-c', script, 'named']).stdout).toBe('named .\n')
      const missing = sandbox.run('no-such-program', [], { env: readablePath })
      await expect(missing).rejects.toMatchObject({ name: 'SpawnError', code: 'ENOENT' })
    })

    it('does not use a helper that was changed', async () => {
      const own = path.join(folder, 'own-helper')
      writeFileSync(own, readFileSync(capabilities.helper.path!), { mode: 0o755 })
      const sandbox = await sandboxOf({}, { helper: { ...capabilities.helper, path: own } })
      expect((await sandbox.run('true')).exitCode).toBe(0)
      appendFileSync(own, 'x')
      const told = { code: 'ERR_LAUNCH', stage: 'helper', path: own }
      await expect(sandbox.run('true')).rejects.toMatchObject(told)
      expect(() => sandbox.runSync('true')).toThrow(expect.objectContaining(told))
      expect(() => sandbox.spawn('true')).toThrow(expect.objectContaining(told))
    })

    it('makes a new plan when the disk changes', async () => {
      const place = path.join(folder, 'changing')
      mkdirSync(place)
      const sandbox = await sandboxOf({ cwd: place })
      const before = sandbox.plan
      await sandbox.run('true')
      expect(sandbox.plan).toBe(before)
      mkdirSync(path.join(place, '.git'))
      expect(sandbox.plan.digest).not.toBe(before.digest)
    })

    it('wraps a command for another spawner', async () => {
      const sandbox = await sandboxOf({ env: { PATH: '/usr/bin:/bin' } })
      const { file, args, env } = sandbox.wrap('sh', ['-c', 'echo "$CODEX_SANDBOX"; exit 4'])
      expect(file).toBe(capabilities.sandboxExec.path)
      expect(args[0]).toBe('-p')
      expect(args).toContain(`-DPATH_1=${cwd}`)
      expect(() => execFileSync(file, [...args], { env: { ...env }, encoding: 'utf8' })).toThrow(
        expect.objectContaining({ status: 4, stdout: 'seatbelt\n' }),
      )
      const without = await sandboxOf({}, { sandboxExec: lonely })
      expect(() => without.wrap('true')).toThrow(
        expect.objectContaining({ code: 'ERR_BACKEND_UNAVAILABLE', capability: 'wrap' }),
      )
    })

    it.each([
      ['memory', 'macos'],
      ['cpuTime', 'macos'],
      ['processes', 'macos'],
      ['openFiles', 'macos'],
      ['fileSize', 'macos'],
    ] as const)('refuses the limit %s, which nothing there holds', async (limit, mechanism) => {
      await expect(sandboxOf({ limits: { [limit]: 100_000 } })).rejects.toMatchObject({
        code: 'ERR_LIMIT_NOT_ENFORCEABLE',
        limit,
        mechanism,
      })
    })

    it('refuses to count output that it does not read', async () => {
      const sandbox = await sandboxOf({ limits: { outputBytes: 10 } })
      const told = { code: 'ERR_LIMIT_NOT_ENFORCEABLE', limit: 'outputBytes', mechanism: 'stdio' }
      await expect(sandbox.run('true', [], { stdio: ['ignore', 'inherit', 'pipe'] })).rejects.toMatchObject(told)
      expect(() => sandbox.runSync('true')).toThrow(expect.objectContaining(told))
    })

    it('takes grants and a network of this machine, and refuses what is no such thing', async () => {
      const sandbox = await sandboxOf({
        policy: 'read-only',
        macos: { grants: { macos_calendar: true }, proxyPorts: [8118], unixSockets: [path.join(folder, 'a.sock')] },
      })
      const { plan } = sandbox
      const text = plan.kind === 'macos' ? plan.profile?.text : ''
      expect(text).toContain('com.apple.CalendarAgent')
      expect(text).toContain('localhost:8118')
      expect(plan).toMatchObject({
        profile: { parameters: { UNIX_SOCKET_PATH_0: path.join(folder, 'a.sock') } },
      })
      for (const [macos, option] of [
        [{ grants: { macos_fax: true } }, 'macos_fax'],
        [{ proxyPorts: [0] }, 'macos.proxyPorts'],
        [{ localBinding: 1 }, 'macos.localBinding'],
        [{ unixSockets: ['relative'] }, 'macos.unixSockets'],
        [{ sockets: [] }, 'sockets'],
      ] as const) {
        await expect(sandboxOf({ macos: macos as object })).rejects.toMatchObject({
          code: 'ERR_INVALID_OPTION',
          option,
        })
      }
    })

    it('forks a Node.js module with a channel', async () => {
      const sandbox = await sandboxOf()
      const module = path.join(cwd, 'module.cjs')
      writeFileSync(
        module,
        "process.once('message', m => { process.send({ got: m, by: process.env.CODEX_SANDBOX }); process.disconnect() })",
      )
      const child = sandbox.fork(module, [], { silent: true })
      const answer = new Promise(resolve => child.once('message', resolve))
      const closed = new Promise(resolve => child.once('close', (...values) => resolve(values)))
      child.send({ hello: 1 })
      expect(await answer).toEqual({ got: { hello: 1 }, by: 'seatbelt' })
      expect(await closed).toEqual([0, null])
    })

    it('explains a path by the profile', async () => {
      const sandbox = await sandboxOf()
      expect(sandbox.explain('file')).toMatchObject({ access: 'write', policyAccess: 'write' })
      const git = sandbox.explain('.git/config')
      expect(git).toMatchObject({ access: 'read', policyAccess: 'read', decidedBy: { kind: 'protection' } })
      expect(git.planLine).toContain('(deny file-write*')
    })

    it('leaves no command behind when its host is killed', async () => {
      const program = path.join(folder, 'host.mjs')
      const guard = new URL('../../dist/process/group-guard.js', import.meta.url).href
      writeFileSync(
        program,
        `import { spawn } from 'node:child_process'
         import { guardGroup } from ${JSON.stringify(guard)}
         const child = spawn('/bin/sh', ['-c', 'sleep 70 & wait'], { detached: true, stdio: 'ignore' })
         const other = spawn('/bin/sleep', ['71'], { detached: true, stdio: 'ignore' })
         guardGroup(child.pid)
         guardGroup(other.pid)()
         console.log(child.pid, other.pid)
         setInterval(() => {}, 1000)`,
      )
      const host = plainSpawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
      const line = await new Promise<string>(resolve => host.stdout.once('data', part => resolve(String(part))))
      const [guarded, released] = line.trim().split(' ').map(Number) as [number, number]
      try {
        expect(isAlive(guarded)).toBe(true)
        await new Promise(resolve => setTimeout(resolve, 200))
        host.kill('SIGKILL')
        await until('the command ends', () => !isAlive(guarded))
        expect(isAlive(released)).toBe(true)
      } finally {
        host.kill('SIGKILL')
        for (const group of [guarded, released]) signalGroup(group)
      }
    })

    it('goes through sandbox-exec where the helper lies in a writable root', async () => {
      const own = path.join(cwd, 'helper')
      writeFileSync(own, readFileSync(capabilities.helper.path!))
      chmodSync(own, 0o755)
      const sandbox = await sandboxOf({}, { helper: { available: true, how: 'stub', path: own } })
      expect(sandbox.plan).toMatchObject({ starter: { kind: 'sandbox-exec' } })
      expect(sandbox.notices.map(({ code }) => code)).toContain('seatbelt-helper-writable')
      rmSync(own)
    })
  },
)
