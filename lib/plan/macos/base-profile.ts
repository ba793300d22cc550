/**
 * What every confined command gets: enough to start, to run threads and to talk to its terminal (spec/macos C.1). Nothing
 * here opens a file of the user.
 */
import {
  allow,
  call,
  globalName,
  literal,
  regex,
  requireAll,
  type SbplRule,
  type SbplSection,
  symbol,
  vnodeType,
} from './sbpl.ts'

/** What a C library, Node.js, Java, Python and the like ask for when they start. */
const readableSysctls = [
  'hw.activecpu',
  'hw.busfrequency_compat',
  'hw.byteorder',
  'hw.cacheconfig',
  'hw.cachelinesize_compat',
  'hw.cpufamily',
  'hw.cpufrequency',
  'hw.cpufrequency_compat',
  'hw.cputype',
  'hw.l1dcachesize_compat',
  'hw.l1icachesize_compat',
  'hw.l2cachesize_compat',
  'hw.l3cachesize_compat',
  'hw.logicalcpu',
  'hw.logicalcpu_max',
  'hw.machine',
  'hw.memsize',
  // With machdep.cpu.brand_string what os.cpus() of Node.js needs.
  'hw.model',
  'hw.ncpu',
  'hw.nperflevels',
  'hw.packages',
  'hw.pagesize',
  'hw.pagesize_compat',
  'hw.physicalcpu',
  'hw.physicalcpu_max',
  'hw.tbfrequency_compat',
  'hw.vectorunit',
  'kern.argmax',
  'kern.hostname',
  'kern.maxfilesperproc',
  'kern.maxproc',
  'kern.osproductversion',
  'kern.osrelease',
  'kern.ostype',
  'kern.osvariant_status',
  'kern.osversion',
  'kern.secure_kernel',
  'kern.usrstack64',
  'kern.version',
  'machdep.cpu.brand_string',
  'sysctl.proc_cputype',
  'vm.loadavg',
] as const

const readableSysctlPrefixes = [
  'hw.optional.arm.',
  'hw.optional.armv8_',
  'hw.perflevel',
  'kern.proc.pgrp.',
  'kern.proc.pid.',
  'net.routetable.',
] as const

const services = ['com.apple.system.opendirectoryd.libinfo', 'com.apple.PowerManagement.control'] as const

/** OpenMP registers its run-time library in a segment of this name. */
const openMpSegment = call('ipc-posix-name-regex', { kind: 'raw', text: '^/__KMP_REGISTERED_LIB_[0-9]+$' })

const sameSandbox = call('target', symbol('same-sandbox'))

export const terminalDevices = regex('^/dev/ttys[0-9]+$')

export const baseSection: SbplSection = {
  title: 'base: what every command needs to run',
  rules: [
    allow(['process-exec', 'process-fork']),
    // Nobody outside can be signalled or looked at.
    allow(['signal'], [sameSandbox]),
    allow(['process-info*'], [sameSandbox]),
    allow(
      ['sysctl-read'],
      [
        ...readableSysctls.map(name => call('sysctl-name', name)),
        ...readableSysctlPrefixes.map(prefix => call('sysctl-name-prefix', prefix)),
      ],
    ),
    // Java writes it when it starts.
    allow(['sysctl-write'], [call('sysctl-name', 'kern.grade_cputype')]),
    allow(['iokit-open'], [call('iokit-registry-entry-class', 'RootDomainUserClient')]),
    allow(['mach-lookup'], services.map(globalName)),
    // Semaphores have no content; multiprocessing of Python needs them.
    allow(['ipc-posix-sem']),
    allow(['ipc-posix-shm-read-data', 'ipc-posix-shm-write-create', 'ipc-posix-shm-write-unlink'], [openMpSegment]),
    allow(['pseudo-tty']),
  ],
}

/**
 * The devices of a terminal. They stand behind the rules of the policy, because an entry on `/` or `/dev` would have covered
 * them. A terminal that is not the command's own is only written with the extension that the system gives for it.
 */
export const terminalRules: readonly SbplRule[] = [
  allow(['file-write-data'], [requireAll(literal('/dev/null'), vnodeType('CHARACTER-DEVICE'))]),
  allow(['file-read*', 'file-read-data', 'file-write*', 'file-write-data', 'file-ioctl'], [literal('/dev/ptmx')]),
  allow(
    ['file-read*', 'file-read-data', 'file-write*', 'file-write-data'],
    [requireAll(terminalDevices, call('extension', 'com.apple.sandbox.pty'))],
  ),
  allow(['file-ioctl'], [terminalDevices]),
]
