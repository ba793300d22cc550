/**
 * What a Windows plan does not hold although the policy, or a person who reads it, expects it (spec/windows K.4, E, D). A host can
 * refuse a plan by them.
 */
import type { WindowsBackend } from './gate.ts'
import type { NetworkMode } from './network.ts'
import type { WindowsPath } from './windows-path.ts'

export type WindowsLimitCode =
  /** FILE_DELETE_CHILD on a directory is not part of the token's second check: what the user may delete, the command may. */
  | 'delete-via-parent'
  /** A command that does not read variables and stubs reaches the network. */
  | 'network-advisory'
  /** The command reads everything that the user can read. */
  | 'read-open'
  /** WMI, the Task Scheduler and COM servers act as the same user for whoever asks. */
  | 'same-user-surrogates'
  /** Directories that are labelled low can be written. */
  | 'low-labelled-places'
  /** What everyone may write is open. */
  | 'everyone-writable'
  /** Besides the read roots everything is open that every user may read, and what earlier runs were given. */
  | 'read-grants-only'
  /** The account reads the state directory, with the login file in it. */
  | 'state-directory-readable'
  /** What comes to match a pattern after the launch is not closed. */
  | 'glob-snapshot'
  /** A name that nothing has can be created, since an access list needs an object. */
  | 'missing-metadata'
  /** A volume without access lists: nothing on it is protected. */
  | 'no-acl-volume'

const messages: Readonly<Record<WindowsLimitCode, string>> = {
  'delete-via-parent': 'a command can delete what the user can delete by a right over its directory',
  'network-advisory': 'only variables and stub programs close the network; a command can pass them by',
  'read-open': 'a command reads everything that the user can read',
  'same-user-surrogates': 'services that act as the same user (WMI, Task Scheduler, COM) do so for a command too',
  'low-labelled-places': 'a command writes where a directory has the integrity label low',
  'everyone-writable': 'a command writes what everyone may write',
  'read-grants-only': 'a command also reads what every user may read, and what earlier runs were given',
  'state-directory-readable': 'a command reads the state directory, with the login file in it',
  'glob-snapshot': 'what comes to match a pattern after the launch is not closed',
  'missing-metadata': 'a command can create this protected name, which nothing has yet',
  'no-acl-volume': 'the volume keeps no access lists: nothing on it is protected',
}

export const windowsLimitCodes = Object.freeze(Object.keys(messages)) as readonly WindowsLimitCode[]

export interface WindowsLimit {
  readonly code: WindowsLimitCode
  readonly message: string
  /** Where that is so, when it is about one place. */
  readonly path?: WindowsPath
}

function limitOf(code: WindowsLimitCode, path?: WindowsPath): WindowsLimit {
  return { code, message: messages[code], ...(path === undefined ? {} : { path }) }
}

export interface LimitQuestion {
  readonly backend: WindowsBackend
  readonly writes: boolean
  readonly network: NetworkMode
  readonly everyone: boolean
  readonly stateDirectoryReadable: boolean
  readonly hasPatterns: boolean
  readonly missingMetadata: readonly WindowsPath[]
  readonly withoutAcls: readonly WindowsPath[]
}

export function windowsLimits(question: LimitQuestion): WindowsLimit[] {
  const { backend, writes, network, everyone } = question
  const unelevated = backend === 'unelevated'
  const codes: readonly (readonly [WindowsLimitCode, boolean])[] = [
    ['delete-via-parent', unelevated && writes],
    ['same-user-surrogates', unelevated && writes],
    ['low-labelled-places', unelevated && !writes],
    ['read-open', unelevated],
    ['network-advisory', network === 'env-stubs'],
    ['everyone-writable', everyone],
    ['read-grants-only', !unelevated],
    ['state-directory-readable', question.stateDirectoryReadable],
    ['glob-snapshot', question.hasPatterns],
  ]
  return [
    ...codes.flatMap(([code, applies]) => (applies ? limitOf(code) : [])),
    ...question.missingMetadata.map(path => limitOf('missing-metadata', path)),
    ...question.withoutAcls.map(path => limitOf('no-acl-volume', path)),
  ]
}
