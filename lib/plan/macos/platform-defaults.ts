/**
 * What a program needs of macOS itself where a policy does not open the whole disk and names the minimal set
 * (spec/macos C.2). These rules stand before those of the policy, so that what an entry closes stays closed.
 *
 * `/Library/Preferences` and `/private/var/db` are broad; programs fail in many ways without them.
 */

import { terminalDevices } from './base-profile.ts'
import { lookOperations, readWithoutMapping } from './operation-sets.ts'
import {
  allow,
  call,
  globalName,
  literal,
  localName,
  number,
  pathAncestors,
  regex,
  requireAll,
  type SbplRule,
  type SbplSection,
  subpath,
  symbol,
  vnodeType,
} from './sbpl.ts'
import type { SbplOperation } from './sbpl-operations.ts'

const frameworks = [
  '/System/Library/Frameworks',
  '/System/Library/PrivateFrameworks',
  '/System/Library/SubFrameworks',
  '/System/iOSSupport/System/Library/Frameworks',
  '/System/iOSSupport/System/Library/PrivateFrameworks',
  '/System/iOSSupport/System/Library/SubFrameworks',
] as const

/** Trees of data and libraries. */
const readableTrees = [
  '/Library/Apple',
  '/Library/Filesystems/NetFSPlugins',
  '/Library/Preferences',
  '/private/var/db',
  '/usr/lib',
  '/usr/share',
  '/private/etc',
  '/opt/homebrew/lib',
  '/usr/local/lib',
  '/Applications',
  ...frameworks,
] as const

/** Trees of programs. */
const programTrees = ['/bin', '/sbin', '/usr/bin', '/usr/sbin', '/usr/libexec'] as const

/** Libraries are mapped from here. */
const libraryTrees = [
  '/Library/Apple/System/Library/Frameworks',
  '/Library/Apple/System/Library/PrivateFrameworks',
  '/Library/Apple/usr/lib',
  '/System/Library/Extensions',
  ...frameworks,
  '/usr/lib',
] as const

const readableFiles = [
  '/',
  '/dev/autofs_nowait',
  '/dev/random',
  '/dev/urandom',
  '/System/Library/CoreServices',
  '/System/Library/CoreServices/SystemVersion.plist',
  '/System/Library/CoreServices/.SystemVersionPlatform.plist',
] as const

/** The links of the top directory, and what is looked at on the way to a user's files. */
const visibleFiles = [
  '/etc',
  '/tmp',
  '/var',
  '/private/etc/localtime',
  '/dev',
  '/System/Volumes',
  '/System/Volumes/Data',
] as const

/** Logging, preferences, certificates, time zones, directories of the user. */
const services = [
  'com.apple.analyticsd',
  'com.apple.analyticsd.messagetracer',
  'com.apple.appsleep',
  'com.apple.audio.audiohald',
  'com.apple.audio.AudioComponentRegistrar',
  'com.apple.bsd.dirhelper',
  'com.apple.cfprefsd.agent',
  'com.apple.cfprefsd.daemon',
  'com.apple.diagnosticd',
  'com.apple.dt.automationmode.reader',
  'com.apple.espd',
  'com.apple.logd',
  'com.apple.logd.events',
  'com.apple.runningboard',
  'com.apple.secinitd',
  'com.apple.system.DirectoryService.libinfo_v1',
  'com.apple.system.logger',
  'com.apple.system.notification_center',
  'com.apple.system.opendirectoryd.libinfo',
  'com.apple.system.opendirectoryd.membership',
  'com.apple.trustd',
  'com.apple.trustd.agent',
  'com.apple.xpc.activity.unmanaged',
  'com.apple.PowerManagement.control',
] as const

/** Shared by all programs of the machine; only with `platformTmpWritable`. */
const sharedTemporaryTrees = ['/private/tmp', '/private/var/tmp'] as const

/** For the policy layer: where these defaults let a command read, as canonical paths. */
export const platformReadRoots: readonly string[] = [...readableTrees, ...programTrees]

const data: readonly SbplOperation[] = ['file-read-data', 'file-write-data']

const device = (path: string) => requireAll(literal(path), vnodeType('CHARACTER-DEVICE'))

export function platformSection(temporaryTreesAreWritable: boolean): SbplSection {
  return {
    title: 'platform defaults: what programs need of macOS itself',
    rules: [
      allow(readWithoutMapping, readableTrees.map(subpath)),
      allow(readWithoutMapping, programTrees.map(subpath)),
      allow(['file-map-executable'], libraryTrees.map(subpath)),
      allow(readWithoutMapping, readableFiles.map(literal)),
      allow(lookOperations, [
        ...visibleFiles.map(literal),
        subpath('/private/var'),
        regex('^/dev/[^/]+$'),
        requireAll(literal('/System/Volumes/Data/Users'), vnodeType('DIRECTORY')),
        pathAncestors('/System/Volumes/Data/private'),
      ]),
      ...(temporaryTreesAreWritable
        ? [allow([...readWithoutMapping, 'file-write*'], sharedTemporaryTrees.map(subpath))]
        : []),
      allow(['mach-lookup'], [...services.map(globalName), localName('com.apple.cfprefsd.agent')]),
      // The system's log.
      allow(['network-outbound'], [literal('/private/var/run/syslog')]),
      allow(
        ['ipc-posix-shm-read-data', 'ipc-posix-shm-read-metadata'],
        [call('ipc-posix-name', 'apple.shm.notification_center')],
      ),
      allow(
        ['system-mac-syscall'],
        [
          call('mac-policy-name', 'vnguard'),
          requireAll(call('mac-policy-name', 'Sandbox'), call('mac-syscall-number', number(67))),
        ],
      ),
      allow(['system-fsctl'], [call('fsctl-command', symbol('FSIOC_CAS_BSDFLAGS'))]),
      // Files that the system itself hands to a program, such as those chosen in a dialog.
      allow(readWithoutMapping, [call('extension', 'com.apple.app-sandbox.read')]),
      allow([...readWithoutMapping, 'file-write*'], [call('extension', 'com.apple.app-sandbox.read-write')]),
    ],
  }
}

/** Behind the rules of the policy, as the terminal devices are. */
export const platformDeviceRules: readonly SbplRule[] = [
  allow(data, ['/dev/null', '/dev/zero', '/dev/tty', '/dev/dtracehelper'].map(device)),
  allow(['file-ioctl'], ['/dev/tty', '/dev/dtracehelper'].map(device)),
  allow(['file-read-data'], [subpath('/dev/fd')]),
  allow(['file-write-data'], [literal('/dev/fd/1'), literal('/dev/fd/2')]),
  allow(data, [terminalDevices]),
]
