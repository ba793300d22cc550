/**
 * What each grant opens, as rules of a profile. Every row is a service that does something for whoever asks, outside the
 * sandbox: docs/macos.md says of each what that is.
 */
import { PolicyError } from '../../errors.ts'
import { type AbsolutePath, joinPath, normalizeAbsolute } from '../../policy/path.ts'
import type { FileGrant } from './file-rules.ts'
import type { MacosGrants } from './grants.ts'
import { allow, call, globalName, localName, type SbplRule } from './sbpl.ts'

const preferenceSegments = call('ipc-posix-name-prefix', 'apple.cfprefs.')

function lookUp(...names: readonly string[]): SbplRule {
  return allow(['mach-lookup'], names.map(globalName))
}

function preferences(level: MacosGrants['preferences']): SbplRule[] {
  if (level === 'none') return []
  const reading = [
    allow(['ipc-posix-shm-read-data', 'ipc-posix-shm-read-metadata'], [preferenceSegments]),
    allow(
      ['mach-lookup'],
      [
        globalName('com.apple.cfprefsd.daemon'),
        globalName('com.apple.cfprefsd.agent'),
        localName('com.apple.cfprefsd.agent'),
      ],
    ),
    allow(['user-preference-read']),
  ]
  if (level === 'read_only') return reading
  return [
    ...reading,
    allow(['user-preference-write']),
    allow(['ipc-posix-shm-write-data', 'ipc-posix-shm-write-create'], [preferenceSegments]),
  ]
}

function automation(grant: MacosGrants['automation']): SbplRule[] {
  if (grant === 'none') return []
  const destinations = grant === 'all' ? [] : grant.map(id => call('appleevent-destination', id))
  return [lookUp('com.apple.coreservices.appleevents'), allow(['appleevent-send'], destinations)]
}

function contacts(level: MacosGrants['contacts']): SbplRule[] {
  if (level === 'none') return []
  const reading = lookUp(
    'com.apple.tccd',
    'com.apple.tccd.system',
    'com.apple.contactsd.persistence',
    'com.apple.AddressBook.ContactsAccountsService',
    'com.apple.contacts.account-caching',
    'com.apple.accountsd.accountmanager',
  )
  return level === 'read_only' ? [reading] : [reading, lookUp('com.apple.securityd.xpc')]
}

const launchServices = [
  lookUp(
    'com.apple.coreservices.launchservicesd',
    'com.apple.lsd.mapdb',
    'com.apple.coreservices.quarantine-resolver',
    'com.apple.lsd.modifydb',
  ),
  allow(['lsopen']),
]

/** Chromium and Electron: each process registers a port under the name of its program and its number. */
const chromium = [
  allow(
    ['mach-register', 'mach-lookup'],
    ['org.chromium.', 'com.google.Chrome.', 'com.github.Electron.'].map(prefix => call('global-name-prefix', prefix)),
  ),
]

/** Apple's processors and, from `IOAccel` on, those of AMD and Intel. Power management of a second one comes last. */
const graphicsClients = [
  'IOSurfaceRootUserClient',
  'AGXDeviceUserClient',
  'AGXSharedUserClient',
  'AGXCommandQueue',
  'IOAccelDevice2',
  'IOAccelSharedUserClient2',
  'IOAccelCommandQueue',
  'IOAccelerationUserClient',
  'AGPMClient',
] as const

const gpu = [
  allow(
    ['iokit-open'],
    graphicsClients.map(name => call('iokit-user-client-class', name)),
  ),
  lookUp('com.apple.MTLCompilerService', 'com.apple.CARenderServer'),
]

export function grantRules(grants: MacosGrants): SbplRule[] {
  return [
    ...preferences(grants.preferences),
    ...automation(grants.automation),
    ...(grants.launchServices ? launchServices : []),
    ...(grants.accessibility ? [allow(['mach-lookup'], [localName('com.apple.axserver')])] : []),
    ...(grants.calendar || grants.reminders ? [lookUp('com.apple.CalendarAgent')] : []),
    ...(grants.reminders ? [lookUp('com.apple.remindd')] : []),
    ...contacts(grants.contacts),
    ...(grants.trustd ? [lookUp('com.apple.trustd', 'com.apple.trustd.agent')] : []),
    ...(grants.chromiumMach ? chromium : []),
    ...(grants.gpu ? gpu : []),
  ]
}

const addressBookPlugIns = normalizeAbsolute('/System/Library/Address Book Plug-Ins')
const userTemporaryTrees = normalizeAbsolute('/private/var/folders')

/** The files of a grant. Throws PolicyError (`ERR_POLICY_NOT_ENFORCEABLE`) when the user has no home directory to look in. */
export function grantFiles({ contacts }: MacosGrants, home: AbsolutePath | null): FileGrant[] {
  if (contacts === 'none') return []
  if (home === null) {
    throw new PolicyError(
      'ERR_POLICY_NOT_ENFORCEABLE',
      'cannot open the address book: the user has no home directory. Hint: set HOME',
      { entry: 'macos_contacts', mechanism: 'seatbelt' },
    )
  }
  const access = contacts === 'read_only' ? 'read' : 'write'
  return [
    { key: 'ADDRESSBOOK_PLUGINS', path: addressBookPlugIns, access },
    { key: 'ADDRESSBOOK_DIR', path: joinPath(home, 'Library/Application Support/AddressBook'), access },
    ...(access === 'write'
      ? [{ key: 'USER_TEMPORARY_TREES', path: userTemporaryTrees, access: 'only-write' as const }]
      : []),
  ]
}
