/**
 * System call numbers by name, for the calls that our rules name and no others. x86-64 numbers are those of
 * arch/x86/entry/syscalls/syscall_64.tbl, arm64 uses the generic table (scripts/syscall.tbl). `null`: the architecture has no
 * such call, so no rule is needed for it there. Numbers from 424 on are the same everywhere.
 */
import { InternalError } from '../../errors.ts'
import type { SeccompPlan } from './seccomp.ts'

export type Architecture = SeccompPlan['architecture']

/** AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64 (include/uapi/linux/audit.h), as found in seccomp_data.arch. */
export const auditArchitecture: Readonly<Record<Architecture, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 }

/** Name: [x64, arm64]. */
const numbers = {
  accept: [43, 202],
  accept4: [288, 242],
  acct: [163, 89],
  add_key: [248, 217],
  adjtimex: [159, 171],
  bind: [49, 200],
  bpf: [321, 280],
  chmod: [90, null],
  chroot: [161, 51],
  clock_adjtime: [305, 266],
  clock_settime: [227, 112],
  clone: [56, 220],
  clone3: [435, 435],
  connect: [42, 203],
  creat: [85, null],
  delete_module: [176, 106],
  fanotify_init: [300, 262],
  fchmod: [91, 52],
  fchmodat: [268, 53],
  fchmodat2: [452, 452],
  fcntl: [72, 25],
  finit_module: [313, 273],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fsopen: [430, 430],
  fspick: [433, 433],
  init_module: [175, 105],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  io_uring_setup: [425, 425],
  ioctl: [16, 29],
  ioperm: [173, null],
  iopl: [172, null],
  kcmp: [312, 272],
  kexec_file_load: [320, 294],
  kexec_load: [246, 104],
  keyctl: [250, 219],
  listen: [50, 201],
  lookup_dcookie: [212, 18],
  mknod: [133, null],
  mknodat: [259, 33],
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  mq_getsetattr: [245, 185],
  mq_notify: [244, 184],
  mq_open: [240, 180],
  mq_timedreceive: [243, 183],
  mq_timedsend: [242, 182],
  mq_unlink: [241, 181],
  msgctl: [71, 187],
  msgget: [68, 186],
  msgrcv: [70, 188],
  msgsnd: [69, 189],
  nfsservctl: [180, 42],
  open: [2, null],
  open_by_handle_at: [304, 265],
  open_tree: [428, 428],
  open_tree_attr: [467, 467],
  openat: [257, 56],
  openat2: [437, 437],
  perf_event_open: [298, 241],
  pidfd_getfd: [438, 438],
  pivot_root: [155, 41],
  prlimit64: [302, 261],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  ptrace: [101, 117],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  reboot: [169, 142],
  recvmmsg: [299, 243],
  request_key: [249, 218],
  semctl: [66, 191],
  semget: [64, 190],
  semop: [65, 193],
  semtimedop: [220, 192],
  sendmmsg: [307, 269],
  sendmsg: [46, 211],
  sendto: [44, 206],
  setdomainname: [171, 162],
  sethostname: [170, 161],
  setns: [308, 268],
  setpriority: [141, 140],
  setrlimit: [160, 164],
  settimeofday: [164, 170],
  shmat: [30, 196],
  shmctl: [31, 195],
  shmget: [29, 194],
  socket: [41, 198],
  socketpair: [53, 199],
  swapoff: [168, 225],
  swapon: [167, 224],
  syslog: [103, 116],
  umount2: [166, 39],
  unshare: [272, 97],
  userfaultfd: [323, 282],
  vhangup: [153, 58],
} as const satisfies Record<string, readonly [number, number | null]>

export type SystemCallName = keyof typeof numbers

export const systemCallNames = Object.keys(numbers) as readonly SystemCallName[]

/** The number of a call, or null when the architecture does not have it. Throws ERR_INTERNAL for a name not in the table. */
export function systemCallNumber(name: string, architecture: Architecture): number | null {
  if (!Object.hasOwn(numbers, name)) throw new InternalError(`no number is known for the system call ${name}`)
  return numbers[name as SystemCallName][architecture === 'x64' ? 0 : 1]
}
