/**
 * The ways out: mounts, namespaces, privileges, other processes, inherited descriptors, devices and the kernel's settings.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Sandbox } from '../../lib/index.ts'
import { allEngines, type EngineName, eachEngine, sandboxWith } from './support/engines.ts'
import { workspaceWrite } from './support/policies.ts'
import { ask, check, compileProbe, compilerMissing, type Rows } from './support/probe.ts'
import { makeWorld, type World } from './support/world.ts'

/** Refused, or hidden by a namespace; EROFS is the mount of /proc. */
const unseen = /^(EPERM|EACCES|ESRCH|ENOENT|EROFS)$/

describe.skipIf(compilerMissing !== null)(`escapes${compilerMissing === null ? '' : ` (${compilerMissing})`}`, () => {
  let world: World
  let probe: string
  let outsider: ChildProcess
  const sandboxes = new Map<EngineName, Sandbox>()
  const sandboxOf = async (engine: EngineName): Promise<Sandbox> => {
    const sandbox = sandboxes.get(engine) ?? (await sandboxWith(engine, workspaceWrite(), world.at('ws')))
    sandboxes.set(engine, sandbox)
    return sandbox
  }

  beforeAll(() => {
    world = makeWorld('escapes')
    world.make({ 'ws/file': 'text', 'ws/.git/config': 'text', 'out/file': 'text', 'out/secret': 'secret' })
    probe = compileProbe(world.base)
    outsider = spawn('sleep', ['300'], { stdio: 'ignore' })
  })
  afterAll(() => {
    outsider.kill('SIGKILL')
    for (const sandbox of sandboxes.values()) sandbox[Symbol.dispose]()
    world.remove()
  })

  eachEngine(allEngines, 'mounts and namespaces', engine => {
    it('cannot undo or add mounts, or make namespaces', async () => {
      const git = world.at('ws/.git')
      await check(await sandboxOf(engine), probe, [
        [`umount|${git}`, 'deny'],
        ['umount|/', 'deny'],
        ['umount|/proc', 'deny'],
        ['umount|/dev', 'deny'],
        [`remount|${git}`, 'deny'],
        ['remount|/', 'deny'],
        [`mount-setattr|${git}`, 'deny'],
        ['mount-setattr|/', 'deny'],
        [`mount-tmpfs|${world.at('ws')}`, 'deny'],
        [`mount-bind|${world.at('out')}|${world.at('ws')}`, 'deny'],
        [`open-tree|${world.at('out')}`, 'deny'],
        ['fsopen', 'deny'],
        [`pivot-root|${world.at('ws')}`, 'deny'],
        [`chroot|${world.at('ws')}`, 'deny'],
        ['unshare|10000000', 'deny'],
        ['unshare|20000', 'deny'],
        ['unshare|10020000', 'deny'],
        ['unshare|40000000', 'deny'],
        ['setns|/proc/self/ns/mnt', 'deny'],
        ['setns|/proc/self/ns/user', 'deny'],
        ['clone-user', 'deny'],
        ['clone3', /^ENOSYS$/],
        [`write|${git}/config`, { limit: 'protected-paths' }],
      ])
    })

    it('has no capability and cannot gain one', async () => {
      await check(await sandboxOf(engine), probe, [
        ['status|CapEff', /^ok:0+$/],
        ['status|CapPrm', /^ok:0+$/],
        ['status|CapInh', /^ok:0+$/],
        ['status|CapAmb', /^ok:0+$/],
        ['status|NoNewPrivs', /^ok:1$/],
        ['status|Seccomp', /^ok:2$/],
        ['setuid-0', /^(EPERM|EINVAL)$/],
        ['ids', new RegExp(`^ok:${process.geteuid?.()} ${process.getegid?.()}$`)],
      ])
    })

    it('leaves no file with set-id bits and no device behind', async () => {
      const at = (name: string) => world.at('ws', name)
      await check(await sandboxOf(engine), probe, [
        [`chmod|${at('file')}|4755`, 'deny'],
        [`chmod|${at('file')}|2755`, 'deny'],
        [`fchmod|${at('file')}|6755`, 'deny'],
        [`fchmodat2|${at('file')}|4755`, 'deny'],
        [`create-mode|${at('set-id')}|4755`, 'deny'],
        [`mknod-device|${at('device')}`, 'deny'],
        [`chmod|${at('file')}|755`, 'allow'],
        [`chmod|${at('file')}|1644`, 'allow'],
      ])
    })

    it('leaves no file with set-id bits behind through openat2', async () => {
      const file = world.at('ws', `set-id-${engine}`)
      await check(await sandboxOf(engine), probe, [[`create-openat2|${file}|4755`, /^ENOSYS$/]])
      expect(existsSync(file)).toBe(false)
    })

    it('reaches no kernel interface that goes round the filter', async () => {
      await check(await sandboxOf(engine), probe, [
        ['io-uring', 'deny'],
        ['bpf', 'deny'],
        ['perf', 'deny'],
        ['userfaultfd', 'deny'],
        ['open-by-handle', 'deny'],
        ['keyctl', 'deny'],
        ['add-key', 'deny'],
        ['request-key', 'deny'],
        ['tiocsti', 'deny'],
        ['set-mark', 'deny'],
        ...(process.arch === 'x64'
          ? ([
              ['int80', /^ok:SYS$/],
              ['x32', /^ok:SYS$/],
            ] as const)
          : []),
      ])
    })
  })

  eachEngine(allEngines, 'other processes', engine => {
    it('can neither see into nor signal a process outside', async () => {
      const { pid } = outsider
      const limit = 'signals' as const
      await check(await sandboxOf(engine), probe, [
        [`signal|${pid}|0`, { limit }],
        [`signal|${pid}|15`, { limit }],
        [`signal|${process.pid}|0`, { limit }],
        [`ptrace-attach|${pid}`, unseen],
        [`ptrace-seize|${pid}`, unseen],
        [`process-vm-readv|${pid}`, unseen],
        [`process-vm-writev|${pid}`, unseen],
        [`pidfd-getfd|${pid}`, unseen],
        [`prlimit|${pid}`, unseen],
        [`setpriority|${pid}`, unseen],
        [`memory|${pid}`, unseen],
        [`read|/proc/${pid}/environ`, unseen],
        [`read|/proc/${pid}/maps`, unseen],
        [`read|/proc/${pid}/mem`, unseen],
        [`readlink|/proc/${pid}/fd/0`, unseen],
        [`read|/proc/${pid}/fd/0`, unseen],
        [`list|/proc/${pid}/root`, unseen],
        [`list|/proc/${pid}/cwd`, unseen],
        [`readlink|/proc/${pid}/exe`, unseen],
        [`memory|${process.pid}`, unseen],
        [`readlink|/proc/${process.pid}/fd/0`, unseen],
      ])
      expect(outsider.exitCode ?? outsider.signalCode).toBeNull()
    })

    it('cannot act on the process that started it', async () => {
      const sandbox = await sandboxOf(engine)
      // In a PID namespace that is the first process of the sandbox itself, which any process there may signal in vain.
      const attacks = [
        ...(sandbox.plan.kind === 'linux' && sandbox.plan.namespaces?.pid ? [] : ['signal|$PPID|0']),
        'memory|$PPID',
        'ptrace-attach|$PPID',
        'read|/proc/$PPID/environ',
        'read|/proc/$PPID/mem',
        'readlink|/proc/$PPID/fd/0',
        'process-vm-readv|$PPID',
        'prlimit|$PPID',
      ]
      const script = `"$0" ${attacks.map(attack => `"${attack}"`).join(' ')}; true`
      const { stdout } = await sandbox.run('sh', ['-c', script, probe])
      const answers = stdout.trim().split('\n')
      expect(answers).toHaveLength(attacks.length)
      for (const [index, answer] of answers.entries())
        expect(`${attacks[index]} ${answer}`).toMatch(/ (EPERM|EACCES|ESRCH|EROFS|ENOENT)$/)
    })

    it('is not ended by killing the first process of its namespace', async () => {
      const { stdout } = await (await sandboxOf(engine)).run('sh', [
        '-c',
        'kill -KILL 1 2>/dev/null; kill -STOP 1 2>/dev/null; echo alive',
      ])
      expect(stdout).toBe('alive\n')
    })

    it('can signal and wait for its own processes', async () => {
      const script = 'sleep 100 & kill -0 $! && kill -TERM $!; wait $!; echo $?'
      const { stdout } = await (await sandboxOf(engine)).run('sh', ['-c', script])
      expect(stdout).toBe('143\n')
    })

    it('does not share System V memory with the host', async () => {
      const key = String(0x43a50000 + (process.pid & 0xffff))
      expect(execFileSync(probe, [`shm-make|${key}`], { encoding: 'utf8' })).toBe('ok\n')
      try {
        await check(await sandboxOf(engine), probe, [[`shmget|${key}`, /^(EPERM|ENOENT)$/]])
        expect(execFileSync(probe, [`shmget|${key}`], { encoding: 'utf8' })).toBe('ok\n')
      } finally {
        execFileSync(probe, [`shm-remove|${key}`])
      }
    })

    it('gets a session of its own without a terminal', async () => {
      await check(await sandboxOf(engine), probe, [['controlling-terminal', /^(ENXIO|EACCES)$/]])
    })
  })

  eachEngine(allEngines, 'descriptors', engine => {
    it('inherits nothing but its own streams', async () => {
      const opened = [
        openSync(world.at('out/secret'), 'r'),
        openSync(world.at('out'), 'r'),
        openSync(world.at('out/file'), 'r+'),
      ]
      try {
        const sandbox = await sandboxOf(engine)
        const [seen] = await ask(sandbox, probe, ['descriptors'])
        expect(seen).toBe('ok:0 1 2 ')
        const [extra] = await ask(sandbox, probe, ['descriptors'], {
          stdio: ['ignore', 'pipe', 'pipe', 'ignore', opened[0]],
        })
        expect(extra).toBe('ok:0 1 2 3 4 ')
        for (const [index, fd] of opened.entries()) {
          const { stdout } = await sandbox.run('sh', ['-c', `ls -l /proc/self/fd; ls /proc/self/fd/${fd}/ 2>&1`])
          expect(stdout, `descriptor ${index}`).not.toContain(world.at('out'))
        }
      } finally {
        for (const fd of opened) closeSync(fd)
      }
    })

    it('cannot re-open its streams with more access than it was given', async () => {
      const before = readFileSync(world.at('out/file'))
      const input = openSync(world.at('out/file'), 'r')
      try {
        const rows: Rows = [
          ['open-for-writing|/proc/self/fd/0', { limit: 'reopened-descriptors' }],
          ['open-for-writing|/dev/stdin', { limit: 'reopened-descriptors' }],
          ['open-truncate|/proc/self/fd/0', { limit: 'reopened-descriptors' }],
          ['read|/proc/self/fd/0', 'allow'],
        ]
        await check(await sandboxOf(engine), probe, rows, { stdio: [input, 'pipe', 'pipe'] })
      } finally {
        closeSync(input)
      }
      expect(readFileSync(world.at('out/file'))).toEqual(before)
    })

    it('cannot climb out through a directory it was given as a stream', async () => {
      const folder = openSync(world.at('out'), 'r')
      try {
        const rows: Rows = [
          ['create|/proc/self/fd/3/new', 'deny'],
          ['unlink|/proc/self/fd/3/file', 'deny'],
          ['create|/proc/self/fd/3/../new', 'deny'],
        ]
        await check(await sandboxOf(engine), probe, rows, { stdio: ['ignore', 'pipe', 'pipe', folder] })
      } finally {
        closeSync(folder)
      }
      expect(existsSync(world.at('out/new'))).toBe(false)
    })
  })

  eachEngine(allEngines, 'devices and kernel settings', engine => {
    const alone = engine === 'landlock'

    it('has the devices that programs need and no others', async () => {
      const name = `castellan-probe-${process.pid}`
      await check(await sandboxOf(engine), probe, [
        ['write|/dev/null', 'allow'],
        ['write|/dev/full', /^ENOSPC$/],
        ['read|/dev/zero', 'allow'],
        ['read|/dev/urandom', 'allow'],
        ['read|/dev/null', 'allow'],
        ['list|/dev', alone ? 'allow' : /^ok:[^/]*\bnull\b/],
        ['create|/dev/new', 'deny'],
        ['unlink|/dev/null', 'deny'],
        ['pty', alone ? 'deny' : 'allow'],
        [`shm|/${name}`, alone ? 'deny' : 'allow'],
        [`create|/dev/shm/${name}-left`, alone ? 'deny' : 'allow'],
        ['open-for-writing|/dev/kmsg', /^(EACCES|ENOENT|EPERM)$/],
        ['open-for-writing|/dev/mem', /^(EACCES|ENOENT|EPERM)$/],
      ])
      expect(existsSync(`/dev/shm/${name}-left`)).toBe(false)
      const names = (await ask(await sandboxOf(engine), probe, ['list|/dev']))[0]!.slice(3).trim().split(' ')
      if (!alone)
        expect(names.filter(found => /^(sd|vd|nvme|loop|mem|kmsg|port|fuse|kvm|net|snapshot)/.test(found))).toEqual([])
    })

    // bubblewrap cannot mount a device read-only: for root, chmod of /dev/null reaches the host (docs/limits).
    it('changes nothing about the devices of the host', async () => {
      const code = engine === 'bwrap' ? 'device-metadata' : 'metadata-outside-roots'
      const expected = process.geteuid?.() === 0 ? ({ limit: code } as const) : 'deny'
      await check(await sandboxOf(engine), probe, [
        ['chmod|/dev/null|666', expected],
        ['utimes|/dev/null', expected],
        ['chmod|/dev/urandom|666', expected],
      ])
    })

    it('reads the settings of the kernel and writes none', async () => {
      await check(await sandboxOf(engine), probe, [
        ['read|/proc/sys/kernel/ostype', 'allow'],
        ['open-for-writing|/proc/sys/kernel/core_pattern', 'deny'],
        ['open-for-writing|/proc/sys/kernel/hostname', 'deny'],
        ['open-for-writing|/proc/sysrq-trigger', /^(EACCES|EPERM|EROFS|ENOENT)$/],
        ['open-for-writing|/proc/self/oom_score_adj', 'deny'],
        ['open-for-writing|/proc/self/uid_map', 'deny'],
        ['chmod|/proc/sys/kernel/core_pattern|644', 'deny'],
        ['open-for-writing|/sys/kernel/uevent_helper', /^(EACCES|EPERM|EROFS|ENOENT)$/],
      ])
    })
  })
})
