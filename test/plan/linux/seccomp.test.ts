import { describe, expect, it } from 'vitest'
import { decodeBpf } from '../../../lib/plan/linux/bpf.ts'
import { runBpf, type SeccompVerdict } from '../../../lib/plan/linux/bpf-machine.ts'
import { makeSeccompPlan, type SeccompOptions, seccompRules } from '../../../lib/plan/linux/seccomp.ts'
import {
  type Architecture,
  auditArchitecture,
  type SystemCallName,
  systemCallNumber,
} from '../../../lib/plan/linux/system-calls.ts'

type Outcome = 'allow' | 'EPERM' | 'ENOSYS' | 'kill'
type Arguments = readonly (number | bigint)[]

const architectures: readonly Architecture[] = ['x64', 'arm64']
const networks = ['restricted', 'enabled'] as const
const high = 1n << 32n

function outcome(verdict: SeccompVerdict): Outcome {
  if (verdict.action === 'kill-process') return 'kill'
  if (verdict.action === 'allow') return 'allow'
  if (verdict.data === 1) return 'EPERM'
  if (verdict.data === 38) return 'ENOSYS'
  throw new Error(`unexpected errno ${verdict.data}`)
}

function run(
  options: SeccompOptions,
  nr: number,
  args: Arguments = [],
  arch = auditArchitecture[options.architecture],
) {
  const all = [0n, 0n, 0n, 0n, 0n, 0n] as [bigint, bigint, bigint, bigint, bigint, bigint]
  args.forEach((value, index) => {
    all[index] = BigInt.asUintN(64, BigInt(value))
  })
  return outcome(runBpf(decodeBpf(makeSeccompPlan(options).program), { arch, nr, args: all }))
}

function call(options: SeccompOptions, name: SystemCallName, args: Arguments): Outcome {
  const nr = systemCallNumber(name, options.architecture)
  if (nr === null) throw new Error(`${options.architecture} has no ${name}`)
  return run(options, nr, args)
}

const AF_UNIX = 1
const AF_INET = 2
const [STREAM, DGRAM, RAW, SEQPACKET] = [1, 2, 3, 5]
const CLOEXEC = 0o2000000
const pointer = 0x7ffd_0000_1000

type Row = readonly [name: SystemCallName, args: Arguments, restricted: Outcome, enabled: Outcome, why: string]

const networkRows: readonly Row[] = [
  ['socket', [AF_UNIX, STREAM, 0], 'allow', 'allow', 'UNIX stream'],
  ['socket', [AF_UNIX, STREAM | CLOEXEC, 0], 'allow', 'allow', 'UNIX stream with flags'],
  ['socket', [AF_UNIX, SEQPACKET, 0], 'allow', 'allow', 'UNIX seqpacket'],
  ['socket', [AF_UNIX, DGRAM, 0], 'EPERM', 'allow', 'UNIX datagram'],
  ['socket', [AF_UNIX, DGRAM | CLOEXEC, 0], 'EPERM', 'allow', 'UNIX datagram with flags'],
  ['socket', [AF_UNIX, RAW, 0], 'EPERM', 'allow', 'UNIX raw, which the kernel makes a datagram socket'],
  ['socket', [AF_UNIX, high | BigInt(DGRAM), 0], 'EPERM', 'allow', 'a type with bits that the kernel ignores'],
  ['socket', [high | 1n, STREAM, 0], 'allow', 'allow', 'a family with bits that the kernel ignores'],
  ['socket', [AF_INET, STREAM, 0], 'EPERM', 'allow', 'TCP'],
  ['socket', [high | 2n, STREAM, 0], 'EPERM', 'allow', 'TCP with bits that the kernel ignores'],
  ['socket', [10, DGRAM, 0], 'EPERM', 'allow', 'UDP over IPv6'],
  ['socket', [40, STREAM, 0], 'EPERM', 'allow', 'VSOCK'],
  ['socket', [38, SEQPACKET, 0], 'EPERM', 'allow', 'ALG'],
  ['socket', [16, RAW, 0], 'EPERM', 'allow', 'netlink route'],
  ['socket', [16, RAW, 9], 'EPERM', 'EPERM', 'netlink audit'],
  ['socketpair', [AF_UNIX, STREAM | CLOEXEC, 0], 'allow', 'allow', 'a pair of UNIX streams'],
  ['socketpair', [AF_UNIX, DGRAM, 0], 'EPERM', 'allow', 'a pair of UNIX datagram sockets'],
  ['socketpair', [30, STREAM, 0], 'EPERM', 'allow', 'a TIPC pair'],
  ['sendto', [3, pointer, 1, 0, 0, 0], 'allow', 'allow', 'send(), as asyncio wakes itself'],
  ['sendto', [3, pointer, 1, 0, 0x1000, 16], 'EPERM', 'allow', 'an address in the lower half'],
  ['sendto', [3, pointer, 1, 0, high, 16], 'EPERM', 'allow', 'an address in the upper half only'],
  ['sendmsg', [3, pointer, 0x4000], 'allow', 'allow', 'descriptor passing'],
  ['sendmsg', [3, pointer, 0x20000000], 'EPERM', 'allow', 'TCP fast open'],
  ['connect', [3, pointer, 16], 'EPERM', 'allow', ''],
  ['accept', [3, 0, 0], 'EPERM', 'allow', ''],
  ['accept4', [3, 0, 0, 0], 'EPERM', 'allow', ''],
  ['bind', [3, pointer, 16], 'EPERM', 'allow', ''],
  ['listen', [3, 5], 'EPERM', 'allow', ''],
  ['sendmmsg', [3, pointer, 1, 0], 'EPERM', 'allow', ''],
  ['recvmmsg', [3, pointer, 1, 0, 0], 'EPERM', 'allow', ''],
]

const SIGCHLD = 17
const always: readonly (readonly [SystemCallName, Arguments, Outcome, string])[] = [
  ['clone', [SIGCHLD], 'allow', 'fork'],
  ['clone', [0x100 | 0x4000 | SIGCHLD], 'allow', 'vfork'],
  ['clone', [0x3d0f00], 'allow', 'a thread'],
  ['clone', [0x10000000 | SIGCHLD], 'EPERM', 'a user namespace'],
  ['clone', [0x40000000], 'EPERM', 'a network namespace'],
  ['clone', [high | 0x20000n], 'EPERM', 'a mount namespace with bits that the kernel ignores'],
  ['clone3', [pointer, 88], 'ENOSYS', 'flags behind a pointer'],
  ['openat2', [3, pointer, pointer, 24], 'ENOSYS', 'a mode behind a pointer'],
  ['unshare', [0x200 | 0x400], 'allow', 'own file tables'],
  ['unshare', [0x10000000], 'EPERM', 'a user namespace'],
  ['unshare', [0x80], 'EPERM', 'a time namespace'],
  ['unshare', [0x200 | 0x2000000], 'EPERM', 'a cgroup namespace beside a harmless flag'],
  ['unshare', [1n << 37n], 'EPERM', 'a flag that does not exist yet'],
  ['prlimit64', [0, 7, 0, pointer], 'allow', 'reads an own limit'],
  ['prlimit64', [0, 7, pointer, 0], 'allow', 'sets an own limit'],
  ['prlimit64', [1234, 4, 0, pointer], 'EPERM', 'a limit of another process'],
  ['setpriority', [0, 0, 5], 'allow', 'nice'],
  ['setpriority', [0, 1234, 5], 'EPERM', 'another process'],
  ['setpriority', [2, 0, 5], 'EPERM', 'all processes of the user'],
  ['fcntl', [3, 1, 0], 'allow', 'F_GETFD'],
  ['fcntl', [3, 38, pointer], 'allow', 'F_OFD_SETLKW'],
  ['fcntl', [3, 1024, 0], 'EPERM', 'F_SETLEASE'],
  ['fcntl', [3, high | 1024n, 1], 'EPERM', 'F_SETLEASE with bits that the kernel ignores'],
  ['fcntl', [3, 1025, 0], 'allow', 'F_GETLEASE'],
  ['ioctl', [0, 0x5401, pointer], 'allow', 'TCGETS'],
  ['ioctl', [0, 0x5412, pointer], 'EPERM', 'TIOCSTI'],
  ['ioctl', [0, high | 0x5412n, pointer], 'EPERM', 'TIOCSTI with bits that the kernel ignores'],
  ['ioctl', [0, 0x541c, pointer], 'EPERM', 'TIOCLINUX'],
  ['fchmod', [3, 0o755], 'allow', ''],
  ['fchmod', [3, 0o4755], 'EPERM', 'set-user-id'],
  ['fchmodat', [3, pointer, 0o1777], 'allow', 'the sticky bit'],
  ['fchmodat', [3, pointer, 0o2755], 'EPERM', 'set-group-id'],
  ['fchmodat2', [3, pointer, 0o644, 0], 'allow', ''],
  ['fchmodat2', [3, pointer, 0o6755, 0], 'EPERM', 'both'],
  ['openat', [3, pointer, 0o101, 0o644], 'allow', 'creates a file'],
  ['openat', [3, pointer, 0o101, 0o4755], 'EPERM', 'creates a set-user-id file'],
  ['openat', [3, pointer, 0o20200001, 0o4755], 'EPERM', 'O_TMPFILE with the bit'],
  ['openat', [3, pointer, 0, 0o7777], 'allow', 'the mode is garbage when nothing is created'],
  ['mknodat', [3, pointer, 0o010644, 0], 'allow', 'a fifo'],
  ['mknodat', [3, pointer, 0o100644, 0], 'allow', 'a file'],
  ['mknodat', [3, pointer, 0o104755, 0], 'EPERM', 'a set-user-id file'],
  ['mknodat', [3, pointer, 0o060600, 0x801], 'EPERM', 'a block device'],
  ['mknodat', [3, pointer, 0o020600, 0x103], 'EPERM', 'a character device'],
]

const closed: readonly SystemCallName[] = (
  'ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp keyctl add_key request_key setns chroot pivot_root mount ' +
  'umount2 mount_setattr move_mount open_tree open_tree_attr fsopen fsconfig fsmount fspick open_by_handle_at init_module ' +
  'finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff acct quotactl quotactl_fd nfsservctl ' +
  'settimeofday clock_settime adjtimex clock_adjtime sethostname setdomainname syslog vhangup io_uring_setup ' +
  'io_uring_enter io_uring_register bpf perf_event_open lookup_dcookie fanotify_init userfaultfd'
).split(' ') as SystemCallName[]

const onlyX64: readonly (readonly [SystemCallName, Arguments, Outcome])[] = [
  ['open', [pointer, 0o101, 0o644], 'allow'],
  ['open', [pointer, 0o101, 0o4755], 'EPERM'],
  ['open', [pointer, 0, 0o4755], 'allow'],
  ['creat', [pointer, 0o600], 'allow'],
  ['creat', [pointer, 0o4755], 'EPERM'],
  ['chmod', [pointer, 0o700], 'allow'],
  ['chmod', [pointer, 0o2700], 'EPERM'],
  ['mknod', [pointer, 0o010600, 0], 'allow'],
  ['mknod', [pointer, 0o060600, 0], 'EPERM'],
  ['iopl', [3], 'EPERM'],
  ['ioperm', [0x80, 1, 1], 'EPERM'],
]

const ipc: readonly SystemCallName[] = (
  'shmget shmat shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl mq_open mq_unlink mq_timedsend ' +
  'mq_timedreceive mq_notify mq_getsetattr'
).split(' ') as SystemCallName[]

/** Calls that every program makes and that have no rule, by number: read, write, execve, exit_group and the harmless socket calls. */
const ordinary: Readonly<Record<Architecture, readonly number[]>> = {
  x64: [0, 1, 45, 47, 48, 51, 52, 54, 55, 57, 58, 59, 83, 231, 258, 303, 434],
  arm64: [34, 63, 64, 94, 204, 205, 207, 208, 209, 210, 212, 221, 264, 434],
}

describe.each(architectures)('the seccomp program for %s', architecture => {
  const options = (network: 'restricted' | 'enabled', guardTag = true): SeccompOptions => ({
    network,
    architecture,
    guardTag,
  })

  it.each(networkRows)('%s %o: %s when restricted, %s when enabled (%s)', (name, args, restricted, enabled) => {
    expect(call(options('restricted'), name, args)).toBe(restricted)
    expect(call(options('enabled'), name, args)).toBe(enabled)
  })

  it.each(always)('%s %o: %s (%s)', (name, args, expected) => {
    for (const network of networks) expect(call(options(network), name, args)).toBe(expected)
  })

  it.each(closed)('refuses %s whatever its arguments are', name => {
    for (const network of networks) {
      expect(call(options(network), name, [])).toBe('EPERM')
      expect(call(options(network), name, [-1, -1, -1, -1, -1, -1])).toBe('EPERM')
    }
  })

  it('keeps the mark of a run from being changed, only when it is used', () => {
    const rows = [
      ['setrlimit', [15, pointer], 'EPERM', 'allow'],
      ['setrlimit', [high | 15n, pointer], 'EPERM', 'allow'],
      ['setrlimit', [7, pointer], 'allow', 'allow'],
      ['prlimit64', [0, 15, pointer, 0], 'EPERM', 'allow'],
      ['prlimit64', [0, 15, high, 0], 'EPERM', 'allow'],
      ['prlimit64', [0, 15, 0, pointer], 'allow', 'allow'],
    ] as const
    for (const [name, args, marked, unmarked] of rows) {
      expect(call(options('enabled', true), name, args)).toBe(marked)
      expect(call(options('enabled', false), name, args)).toBe(unmarked)
    }
  })

  it.each(ipc)('refuses %s only when the objects are those of the host', name => {
    expect(call({ ...options('restricted'), sharedIpc: true }, name, [])).toBe('EPERM')
    expect(call(options('restricted'), name, [])).toBe('allow')
  })

  it.each(ordinary[architecture])('leaves call %i alone', nr => {
    for (const network of networks) expect(run(options(network), nr, [-1, -1, -1, -1, -1, -1])).toBe('allow')
  })

  it('kills what calls through the table of another architecture', () => {
    const i386 = 0x40000003
    const arm = 0x40000028
    const other = architecture === 'x64' ? auditArchitecture.arm64 : auditArchitecture.x64
    for (const arch of [i386, arm, other, 0]) expect(run(options('enabled'), 0, [], arch)).toBe('kill')
    expect(run(options('enabled'), 0)).toBe('allow')
  })

  it('leaves call -1 to the kernel, which answers ENOSYS', () => {
    expect(run(options('restricted'), 0xffffffff)).toBe('allow')
  })

  it('is frozen', () => {
    const plan = makeSeccompPlan(options('restricted'))
    expect(Object.isFrozen(plan) && Object.isFrozen(plan.rules)).toBe(true)
    for (const rule of plan.rules) {
      expect(Object.isFrozen(rule) && Object.isFrozen(rule.when) && Object.isFrozen(rule.action)).toBe(true)
      expect(rule.reason).not.toBe('')
    }
  })
})

describe('the seccomp program for x64', () => {
  const options: SeccompOptions = { network: 'restricted', architecture: 'x64', guardTag: false }

  it.each(onlyX64)('%s %o: %s', (name, args, expected) => {
    expect(call(options, name, args)).toBe(expected)
  })

  it('kills x32 calls, which carry the same architecture', () => {
    expect(run(options, 0x40000000 + 42)).toBe('kill')
    expect(run(options, 0x40000000)).toBe('kill')
    expect(run(options, 0x3fffffff)).toBe('allow')
  })
})

describe('the seccomp rules for arm64', () => {
  it('leave out the calls that the architecture does not have', () => {
    const names = seccompRules({ network: 'restricted', architecture: 'arm64', guardTag: true }).map(rule => rule.call)
    for (const name of ['open', 'creat', 'chmod', 'mknod', 'iopl', 'ioperm']) expect(names).not.toContain(name)
    for (const name of ['openat', 'fchmodat', 'mknodat', 'ptrace', 'socket']) expect(names).toContain(name)
  })
})

describe('the network restricted to proxies', () => {
  const AF_INET6 = 10
  const AF_NETLINK = 16
  it.each<readonly [SystemCallName, Arguments, Outcome]>([
    ['socket', [AF_INET, STREAM, 0], 'allow'],
    ['socket', [AF_INET6, STREAM | CLOEXEC, 0], 'allow'],
    ['socket', [BigInt(AF_INET) | high, STREAM, 0], 'allow'],
    ['socket', [AF_UNIX, STREAM, 0], 'EPERM'],
    ['socket', [BigInt(AF_UNIX) | high, STREAM, 0], 'EPERM'],
    ['socket', [AF_UNIX, DGRAM, 0], 'EPERM'],
    ['socket', [AF_NETLINK, RAW, 0], 'EPERM'],
    ['socketpair', [AF_UNIX, STREAM, 0], 'allow'],
    ['socketpair', [AF_UNIX, DGRAM, 0], 'EPERM'],
    ['socketpair', [AF_INET, STREAM, 0], 'EPERM'],
    ['connect', [3, pointer, 16], 'allow'],
    ['bind', [3, pointer, 16], 'allow'],
    ['ptrace', [], 'EPERM'],
    ['io_uring_setup', [], 'EPERM'],
  ])('row %#: %s', (name, args, expected) => {
    for (const architecture of architectures) {
      expect(call({ network: 'proxied', architecture, guardTag: true }, name, args)).toBe(expected)
    }
  })
})
