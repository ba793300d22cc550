/**
 * Seccomp rules that hold whatever the policy says: no looking into or acting on other processes, no changing what the
 * sandbox is made of, nothing that is the business of the whole machine. Most of these calls need a capability that no
 * command has; they are closed all the same, because a nested user namespace, a set-up mistake or a kernel bug is where such
 * capabilities come from.
 *
 * Decided to stay open:
 * - `name_to_handle_at` only tells what an object is called; opening by that name is `open_by_handle_at`, which is closed.
 * - `personality`: turning off address randomisation for oneself harms oneself, and debuggers and old runtimes do it.
 * - scheduling calls by thread id (`sched_setaffinity`, `ioprio_set`, …): thread pools use them, and ids of other processes
 *   cannot be told apart here. A PID namespace hides those.
 */

import type { SeccompRule } from './seccomp.ts'
import { deny, denyAll, differs, equals, hasAnyOf, hasOtherThan, isSet, pretendMissing } from './seccomp-builders.ts'

const PRIO_USER = 2
const RLIMIT_RTTIME = 15
const F_SETLEASE = 1024
const TIOCSTI = 0x5412
const TIOCLINUX = 0x541c

const CLONE_VM = 0x100
const CLONE_FS = 0x200
const CLONE_FILES = 0x400
const CLONE_SIGHAND = 0x800
const CLONE_THREAD = 0x10000
const CLONE_SYSVSEM = 0x40000
const OWN_TABLES = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM

/** NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. NEWTIME (0x80) is not a flag of clone: there it is the exit signal. */
const NEW_NAMESPACES = 0x20000 | 0x2000000 | 0x4000000 | 0x8000000 | 0x10000000 | 0x20000000 | 0x40000000

export function systemRules(): SeccompRule[] {
  return [...processRules(), ...namespaceRules(), ...mountRules(), ...machineRules(), ...kernelSurfaceRules()]
}

function processRules(): SeccompRule[] {
  const memory = 'no access to the memory and descriptors of other processes'
  return [
    ...denyAll(['ptrace', 'process_vm_readv', 'process_vm_writev', 'pidfd_getfd', 'kcmp'], memory),
    // A process asks about itself with 0; another number may be a process of the host.
    deny('prlimit64', 'limits of other processes', differs(0, 0)),
    deny('setpriority', 'priority of other processes', differs(1, 0)),
    deny('setpriority', 'priority of every process of the user', equals(0, PRIO_USER)),
    // A lease is to be had on a file that can only be read; whoever writes to it waits then, for 45 seconds (fcntl(2)).
    deny('fcntl', 'would hold up those who write to the file', equals(1, F_SETLEASE)),
    deny('ioctl', 'would type into the terminal', equals(1, TIOCSTI)),
    deny('ioctl', 'would paste into the console', equals(1, TIOCLINUX)),
    ...denyAll(['keyctl', 'add_key', 'request_key'], 'the keyrings of the session belong to the host'),
  ]
}

function namespaceRules(): SeccompRule[] {
  const reason = 'a nested namespace would give capabilities over kernel code that is otherwise out of reach'
  return [
    // Flags that do not exist yet are closed too: only a process's own tables may be unshared.
    deny('unshare', reason, hasOtherThan(0, OWN_TABLES)),
    deny('clone', reason, hasAnyOf(0, NEW_NAMESPACES)),
    pretendMissing('clone3', 'its flags lie behind a pointer; C libraries fall back to clone'),
    ...denyAll(['setns', 'chroot', 'pivot_root'], 'the root and the namespaces are those of the sandbox'),
  ]
}

function mountRules(): SeccompRule[] {
  const reason = 'the mounts are those of the sandbox'
  return [
    ...denyAll(['mount', 'umount2', 'mount_setattr', 'move_mount', 'open_tree', 'open_tree_attr'], reason),
    ...denyAll(['fsopen', 'fsconfig', 'fsmount', 'fspick'], reason),
    deny('open_by_handle_at', 'would open files without passing through their directories'),
  ]
}

function machineRules(): SeccompRule[] {
  return [
    ...denyAll(['init_module', 'finit_module', 'delete_module', 'kexec_load', 'kexec_file_load'], 'kernel code'),
    ...denyAll(['reboot', 'swapon', 'swapoff', 'acct', 'quotactl', 'quotactl_fd', 'nfsservctl'], 'the whole machine'),
    // adjtimex and clock_adjtime also read the clock's discipline, which only time daemons do; what to do lies behind a
    // pointer, so reading cannot be let through alone.
    ...denyAll(['settimeofday', 'clock_settime', 'adjtimex', 'clock_adjtime'], 'the clock of the machine'),
    ...denyAll(['sethostname', 'setdomainname'], 'the name of the machine'),
    deny('syslog', 'the log of the kernel'),
    ...denyAll(['iopl', 'ioperm'], 'hardware ports'),
    deny('vhangup', 'the terminal of the host'),
  ]
}

/** Interfaces that no ordinary program needs and that most local kernel exploits start from, or that go round the filter. */
function kernelSurfaceRules(): SeccompRule[] {
  return [
    ...denyAll(['io_uring_setup', 'io_uring_enter', 'io_uring_register'], 'would do calls that this filter never sees'),
    ...denyAll(['bpf', 'perf_event_open', 'lookup_dcookie', 'fanotify_init'], 'watches the whole machine'),
    deny('userfaultfd', 'stalls the kernel in the middle of a copy'),
  ]
}

/**
 * The launcher marks the processes of a run with a value of RLIMIT_RTTIME, which children inherit and which real-time
 * threads alone would feel. A process that could set it could hide from the clean-up, or make another run's clean-up end it.
 */
export function guardTagRules(): SeccompRule[] {
  return [
    deny('setrlimit', 'marks the processes of a run', equals(0, RLIMIT_RTTIME)),
    deny('prlimit64', 'marks the processes of a run', equals(1, RLIMIT_RTTIME), isSet(2)),
  ]
}

/**
 * For a plan without an IPC namespace: System V objects and POSIX message queues are then the host's. Landlock does not know
 * them, and attaching takes a plain number, so own objects cannot be told from others.
 */
export function sharedIpcRules(): SeccompRule[] {
  const reason = 'shared memory, semaphores and queues are those of the host'
  return [
    ...denyAll(['shmget', 'shmat', 'shmctl', 'semget', 'semop', 'semtimedop', 'semctl'], reason),
    ...denyAll(['msgget', 'msgsnd', 'msgrcv', 'msgctl'], reason),
    ...denyAll(['mq_open', 'mq_unlink', 'mq_timedsend', 'mq_timedreceive', 'mq_notify', 'mq_getsetattr'], reason),
  ]
}
