/**
 * The operations that a Seatbelt profile may name, as the tree that rules are looked up along: a rule for `file-write*`
 * speaks of everything below it. Only what we emit or ask about stands here, so that a misspelt operation fails to compile.
 */

const parents = {
  'file*': 'default',
  'file-read*': 'file*',
  'file-read-data': 'file-read*',
  'file-read-metadata': 'file-read*',
  'file-read-xattr': 'file-read*',
  'file-write*': 'file*',
  'file-write-data': 'file-write*',
  'file-write-create': 'file-write*',
  'file-write-unlink': 'file-write*',
  'file-write-mode': 'file-write*',
  'file-write-owner': 'file-write*',
  'file-write-flags': 'file-write*',
  'file-write-times': 'file-write*',
  'file-write-xattr': 'file-write*',
  'file-write-acl': 'file-write*',
  'file-write-setugid': 'file-write*',
  'file-write-mount': 'file-write*',
  'file-write-unmount': 'file-write*',
  'file-ioctl': 'file*',
  'file-map-executable': 'file*',
  'file-test-existence': 'file*',
  'file-link': 'file*',
  'file-clone': 'file*',
  'file-issue-extension': 'file*',
  'file-mknod': 'file*',
  'file-revoke': 'file*',
  'file-chroot': 'file*',
  'file-search': 'file*',
  'network*': 'default',
  'network-inbound': 'network*',
  'network-outbound': 'network*',
  'network-bind': 'network*',
  'process*': 'default',
  'process-exec*': 'process*',
  'process-exec': 'process-exec*',
  'process-exec-interpreter': 'process-exec*',
  'process-fork': 'process*',
  'process-info*': 'process*',
  'process-info-pidinfo': 'process-info*',
  'process-info-listpids': 'process-info*',
  'process-info-codesignature': 'process-info*',
  'process-info-setcontrol': 'process-info*',
  'ipc*': 'default',
  'ipc-posix*': 'ipc*',
  'ipc-posix-sem': 'ipc-posix*',
  'ipc-posix-shm*': 'ipc-posix*',
  'ipc-posix-shm-read*': 'ipc-posix-shm*',
  'ipc-posix-shm-read-data': 'ipc-posix-shm-read*',
  'ipc-posix-shm-read-metadata': 'ipc-posix-shm-read*',
  'ipc-posix-shm-write*': 'ipc-posix-shm*',
  'ipc-posix-shm-write-data': 'ipc-posix-shm-write*',
  'ipc-posix-shm-write-create': 'ipc-posix-shm-write*',
  'ipc-posix-shm-write-unlink': 'ipc-posix-shm-write*',
  'ipc-sysv*': 'ipc*',
  'mach*': 'default',
  'mach-lookup': 'mach*',
  'mach-register': 'mach*',
  'mach-host*': 'mach*',
  'mach-priv*': 'mach*',
  'sysctl*': 'default',
  'sysctl-read': 'sysctl*',
  'sysctl-write': 'sysctl*',
  'system*': 'default',
  'system-socket': 'system*',
  'system-mac-syscall': 'system*',
  'system-fsctl': 'system*',
  'system-info': 'system*',
  'user-preference*': 'default',
  'user-preference-read': 'user-preference*',
  'user-preference-write': 'user-preference*',
  'iokit*': 'default',
  'iokit-open': 'iokit*',
  'iokit-open-user-client': 'iokit-open',
  'iokit-open-service': 'iokit-open',
  'iokit-set-properties': 'iokit*',
  'iokit-get-properties': 'iokit*',
  signal: 'default',
  'appleevent-send': 'default',
  lsopen: 'default',
  'pseudo-tty': 'default',
} as const

export type SbplOperation = keyof typeof parents | 'default'

export const sbplOperations: readonly SbplOperation[] = ['default', ...(Object.keys(parents) as SbplOperation[])]

export function isSbplOperation(name: string): name is SbplOperation {
  return name === 'default' || Object.hasOwn(parents, name)
}

/**
 * The operation itself and everything it belongs to, up to `default`. Whether testing for existence counts as reading
 * metadata is not documented, so the caller says which it is.
 */
export function operationChain(operation: SbplOperation, existenceIsMetadata: boolean): SbplOperation[] {
  const chain: SbplOperation[] = []
  for (let at = operation; at !== 'default'; ) {
    chain.push(at)
    at = at === 'file-test-existence' && existenceIsMetadata ? 'file-read-metadata' : parents[at]
  }
  return [...chain, 'default']
}
