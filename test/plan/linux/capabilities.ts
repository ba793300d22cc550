/** Machines to make plans for. */
import type { LinuxCapabilities } from '../../../lib/host/capabilities.ts'

/** What a bubblewrap of version 0.8 lists, as far as it matters, and some more. */
export const bubblewrapOptions: readonly string[] = (
  '--help --version --args --unshare-all --share-net --unshare-user --unshare-ipc --unshare-pid --unshare-net --unshare-uts ' +
  '--chdir --setenv --bind --bind-try --dev-bind --ro-bind --ro-bind-try --remount-ro --proc --dev --tmpfs --dir --file ' +
  '--bind-data --ro-bind-data --symlink --seccomp --add-seccomp-fd --new-session --die-with-parent --as-pid-1 --cap-add ' +
  '--cap-drop --perms --chmod --disable-userns'
).split(' ')

const works = { available: true, how: 'tried' } as const

/** An unprivileged user on Linux 6.18 with everything. */
export const fullMachine: LinuxCapabilities = {
  platform: 'linux',
  architecture: 'x64',
  kernelRelease: '6.18.0',
  privileged: false,
  landlock: { ...works, abi: 7 },
  seccomp: works,
  userNamespaces: works,
  freshProc: works,
  mountApi: works,
  bubblewrap: { ...works, path: '/usr/bin/bwrap', version: '0.8.0', options: bubblewrapOptions },
  wsl1: false,
}

export const refused = (how = 'clone: EPERM') => ({ available: false, how, errnoName: 'EPERM' }) as const

export const noLandlock = { ...refused('landlock_create_ruleset: ENOSYS'), abi: 0 } as const

export const noBubblewrap = { ...refused('looked at PATH'), path: null, version: null, options: [] } as const
