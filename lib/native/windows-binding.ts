/**
 * What the addon offers on Windows, and how the helper program is spoken to (spec/windows K). Types only; the native side is
 * `native/windows`.
 *
 * # The helper
 *
 * `castellan-helper.exe` lies beside the addon. It is started as an ordinary child process whose descriptors 0, 1, 2 and those
 * after them are the command's, with two more that are the helper's own:
 *
 *     castellan-helper.exe run   --request FD --status FD      makes the token, starts the command, waits, ends with its code
 *     castellan-helper.exe check --request FD --status FD      makes and checks the token; starts nothing
 *     castellan-helper.exe elevated --request FD --status FD   as `run`, but as an account of the sandbox
 *
 * Descriptors reach it as every C runtime hands them on (`STARTUPINFO.lpReserved2`), so `spawn(…, { stdio: […, 'pipe', 'pipe'] })`
 * does. Every descriptor but those two is handed on to the command; nothing else is.
 *
 * The request descriptor carries one frame (`plan/windows/frame.ts`) with a {@link HelperRequest}; after it a `terminate` message
 * may follow. The status descriptor carries frames of {@link HelperStatus}, in one of these orders:
 *
 *     run:    spawn_ready, exit      the command ran; the helper's own exit code is the command's, all 32 bits of it
 *             error                  nothing ran; the helper's exit code is 126
 *             spawn_ready, error     the command was started and its end could not be learned: its tree was ended; 126
 *     check:  token_report           the token is the one that was asked for; 0
 *             error                  126
 *
 * `elevated` takes a `LogonRequest` (`plan/windows/runner-messages.ts`) in a frame of its own before the request, and hands on
 * descriptors 0, 1 and 2 only. It logs the account on and starts a copy of itself as that account (`runner`), suspended and in a job
 * that ends with the helper. The two speak over two named pipes that only the account may open, from this machine; the helper takes
 * nobody but the process that it started, and each side says its half of a secret first. Everything up to there has 15 s. The runner
 * makes and checks the token, starts the command in a job of its own, and passes streams on in frames; whatever ends one of the two
 * ends the command.
 *
 * An end of the stream without one of them means that the helper was ended. Then the command's whole tree has ended too: the
 * helper holds the only handle of the job.
 */

export const windowsHelperName = 'castellan-helper.exe'

/** What the helper ends with when no command ran. */
export const HELPER_REFUSED = 126

/** `TokenPlan` of `plan/windows/token.ts`. */
export interface HelperTokenPlan {
  readonly flags: number
  readonly restricting: readonly string[]
  readonly defaultDacl: readonly string[]
  readonly integrity: 'low' | 'medium'
  readonly privileges: readonly string[]
}

/** `TokenReport` of `plan/windows/token-check.ts`, which compares it with the plan once more. */
export interface HelperTokenReport {
  readonly restricted: boolean
  readonly restrictingSids: readonly string[]
  readonly privileges: readonly string[]
  /** `untrusted`, `low`, `medium`, `high`, `system`, or the level's number. */
  readonly integrity: string
}

/** A request of `plan/windows/runner-messages.ts`, and what only the helper is told. */
export interface HelperRequest {
  readonly type: 'spawn_request'
  readonly version: 1
  /** Absolute, with a drive or as UNC; not a `.cmd` or `.bat`. */
  readonly program: string
  /** At most 32766 UTF-16 units. */
  readonly command_line: string
  readonly cwd: string
  /** Two spellings of one name are refused. Sorted by the helper. */
  readonly environment: Readonly<Record<string, string>>
  readonly token: HelperTokenPlan
  /** The identifier of each capability role that the token plan names. `logon`, `account` and `everyone` are looked up. */
  readonly sids: Readonly<Record<string, string>>
  /** A desktop of its own for the command. Default true. */
  readonly private_desktop?: boolean
  /** The end of the request's stream ends the command's tree: then a host that went away leaves nothing. Default false. */
  readonly ends_with_request?: boolean
}

/** Ends the command's tree; its exit code is `code` (default 1). */
export interface HelperTerminate {
  readonly type: 'terminate'
  readonly version: 1
  readonly code?: number
}

/** The step that failed. Stable words. */
export type HelperStage =
  /** The frame cannot be read, or says something that cannot be carried out. */
  | 'request'
  | 'open-token'
  /** The logon session's identifier, or the account's. */
  | 'find-sid'
  | 'restrict-token'
  | 'default-dacl'
  | 'privileges'
  | 'integrity'
  /** Reading back what was made; with a `report` when that is something else than the plan. */
  | 'verify-token'
  | 'job'
  | 'desktop'
  | 'handles'
  | 'create-process'
  /** The suspended process is not in the job, or its token is not the one that was made. */
  | 'verify-process'
  | 'resume'
  | 'wait'
  /** Of `elevated`: the password cannot be taken out of its protection. */
  | 'secret'
  | 'pipes'
  | 'logon'
  /** The runner did not come, is another process, or does not know the secret. */
  | 'handshake'
  /** The runner is not the account that it should be. */
  | 'account'
  /** The runner said something that it cannot say, or ended. */
  | 'runner'

export type HelperStatus =
  | { readonly type: 'spawn_ready'; readonly version: 1; readonly pid: number }
  | { readonly type: 'exit'; readonly version: 1; readonly code: number }
  | { readonly type: 'token_report'; readonly version: 1; readonly report: HelperTokenReport }
  | {
      readonly type: 'error'
      readonly version: 1
      readonly stage: HelperStage
      /** GetLastError, or 0 where no call failed. */
      readonly win32: number
      /** The call that failed, or what is wrong. */
      readonly message: string
      /** With the stage `verify-token` and `verify-process`: what the system made. */
      readonly report?: HelperTokenReport
    }

/** A call of the system that failed. Returned, never thrown. */
export interface WindowsFailure {
  /** Name of the function. */
  readonly call: string
  /** GetLastError, or the status that it returned. */
  readonly win32: number
  /** Of calls about a place: how far they came. */
  readonly path?: string
}

export type OrFailure<Value> = Value | { readonly failure: WindowsFailure }

export interface WindowsProbe {
  /** Of RtlGetVersion: `10.0.22631`. */
  readonly version: string
  /** This process runs with an administrator's full token. */
  readonly elevated: boolean
  /** This process's token is restricted already. */
  readonly restricted: boolean
  /** Wine, which takes every call and enforces nothing. */
  readonly wine: boolean
  readonly userSid: string
  /** `DOMAIN\\name`. */
  readonly userName: string
  /** Null in a process that belongs to no logon session. */
  readonly logonSid: string | null
  readonly pid: number
  /** FILETIME as decimal text, for a journal's owner. */
  readonly started: string
}

/** One object of a file system. */
export interface WindowsObject {
  /** Without `\\?\`, as the system spells it; links are resolved except in the last component, which is never followed. */
  readonly finalPath: string
  /** 128-bit identifier and the volume's serial number: lower-case hexadecimal, 32 and 16 digits. */
  readonly file: string
  readonly volume: string
  readonly directory: boolean
  /** 0, or the tag of the reparse point that the path itself is. */
  readonly reparseTag: number
  /** The volume keeps access lists (FILE_PERSISTENT_ACLS). */
  readonly hasAcls: boolean
}

/** As `Ace` of `plan/windows/acl-machine.ts`. */
export interface NativeAce {
  readonly type: 'allow' | 'deny'
  readonly sid: string
  readonly mask: number
  readonly inherited: boolean
}

export interface NativeAcl {
  /** A NULL list: everybody may do everything. Nothing may be added to it, that would lock everybody else out. */
  readonly missing: boolean
  /** SE_DACL_PROTECTED. */
  readonly protected: boolean
  /** Entries that the object has of its own; what it inherits is left out. `inherited`: containers and objects below get it. */
  readonly own: readonly NativeAce[]
  /** Principals whose allow entry, own or inherited, gives at least read and execute. */
  readonly readers: readonly string[]
}

/** Where a change is made. Refused with ERROR_FILE_INVALID (1006) when another object stands at the path. */
export interface AclPlace {
  readonly path: string
  readonly file: string
  readonly volume: string
}

export interface LockedMutex {
  /** `abandoned`: it is held now, and who held it before went away in the middle; run the recovery. */
  readonly state: 'acquired' | 'abandoned' | 'timeout'
  /** For `unlockMutex`; 0 after a timeout. */
  readonly id: number
}

export interface AccountFacts {
  readonly sid: string
  /** False when it was there already. */
  readonly made: boolean
}

/** As the firewall has it. */
export interface NativeFirewallRule {
  readonly name: string
  readonly protocol: number
  readonly remoteAddresses: string
  /** Null: all. */
  readonly remotePorts: string | null
  /** Security descriptor (SDDL) that names the account. */
  readonly localUsers: string
}

/** What stands there, and whether all of it is in force. */
export interface FoundFirewallRule extends NativeFirewallRule {
  /** Enabled, outbound, blocking, in every profile, for every program and interface. */
  readonly isWhole: boolean
}

export interface WindowsBinding {
  readonly system: 'win32'
  /** Everything in it was found out; what could not be is a failure, and nothing is known then. */
  probe(): OrFailure<WindowsProbe>
  /** Null when no process has this number, or it has ended; an empty text for one that may not be looked at: another user's. */
  processStarted(pid: number): OrFailure<string | null>

  /**
   * Locks the whole file with LockFileEx, as flock(2) does where that is: 0, or an error number as in `os.constants.errno`.
   * EAGAIN: held elsewhere. ENOTSUP: this host or file system has no such locks.
   */
  flock(fd: number, exclusive: boolean, nonBlocking: boolean): number
  /** The access list of a file becomes this process's user and nobody else; undefined: it is so, and was read back. */
  makePrivate(path: string): OrFailure<undefined>

  /**
   * Opens the path itself, never what a link in its last component names. `\\\\.\\NUL` is the null device, here and in the calls
   * about lists; no other device is opened.
   */
  describeObject(path: string): OrFailure<WindowsObject>
  /**
   * The object with this number, wherever it was moved to on its volume; null when there is none any more. `path`: where it was, by
   * which the volume is found. A failure when that volume is not there: ERROR_WRONG_DISK (34) where it is another one.
   */
  findObject(path: string, file: string, volume: string): OrFailure<WindowsObject | null>
  readAcl(path: string): OrFailure<NativeAcl>
  /**
   * Sets an entry by handle: it replaces the one of the same type and identifier, and below a directory everything inherits it,
   * which takes time in proportion to the tree. Owner, SACL and the protected flag stay. Undefined: it is done and was read back;
   * what the file system did not keep is a failure of the call `verify`.
   */
  setAce(place: AclPlace, ace: NativeAce): Promise<OrFailure<undefined>>
  /** Takes the own entries of this type and identifier off; that there are none is no failure. */
  removeAce(place: AclPlace, type: NativeAce['type'], sid: string): Promise<OrFailure<undefined>>

  /**
   * For an elevated process, in directories that others may write: `anchor` is a volume or share with a separator at its end, `below`
   * the names under it. Every directory on the way is held while the call lasts. A failure of `verify` before anything was changed:
   * ERROR_REPARSE_POINT_ENCOUNTERED (4395) for a link on the way, ERROR_BAD_PATHNAME (161) for a way that ends elsewhere.
   * With those above it that are missing.
   */
  makeDirectory(anchor: string, below: string): OrFailure<undefined>
  /** Removes what has the name, a link itself and not what it leads to, and makes the file anew. */
  replaceFile(anchor: string, below: string, bytes: Uint8Array): OrFailure<undefined>
  /** With everything in it; never what a link leads to. That nothing is there is no failure. */
  removeTree(anchor: string, below: string): OrFailure<undefined>
  /** Gives a directory the attributes `hidden` and `system`. */
  hideDirectory(anchor: string, below: string): OrFailure<undefined>

  /** Waits at most `timeout` ms for a named mutex, on a thread of its own: what holds it is the returned number, not a thread. */
  lockMutex(name: string, timeout: number): Promise<OrFailure<LockedMutex>>
  unlockMutex(id: number): void

  /** DPAPI. `machine`: every account of this machine can take it apart. */
  protectSecret(secret: Uint8Array, scope: 'user' | 'machine'): OrFailure<Buffer>
  unprotectSecret(blob: Uint8Array): OrFailure<Buffer>

  /** For an elevated process: see `plan/windows/setup-steps.ts`. Each can be done again. */
  makeGroup(name: string, comment: string): OrFailure<AccountFacts>
  /** Sets the password of an account that is there. */
  makeAccount(name: string, password: string, comment: string, group: string): OrFailure<AccountFacts>
  removeAccount(name: string): OrFailure<undefined>
  removeGroup(name: string): OrFailure<undefined>
  /** Keeps the account off the sign-in screen, or shows it again. */
  hideAccount(name: string, hidden: boolean): OrFailure<undefined>
  /** The identifier of an account or group. */
  sidOfAccount(name: string): OrFailure<string>
  /** The directory of the account's profile; null before it has logged on. */
  profileOfAccount(sid: string): OrFailure<string | null>
  /**
   * Outbound, blocking, all profiles; changes the rule of the same name in its place, or makes one. Refused with
   * ERROR_INVALID_PARAMETER (87) without a name, addresses or users: a rule for nobody is a rule for everybody. `win32` of these four
   * may be an HRESULT.
   */
  setFirewallRule(rule: NativeFirewallRule): Promise<OrFailure<undefined>>
  /** The first rule of the name; null when there is none. Addresses are spelled as the firewall does. */
  readFirewallRule(name: string): Promise<OrFailure<FoundFirewallRule | null>>
  /** All rules of the name; that there are none is no failure. */
  removeFirewallRule(name: string): Promise<OrFailure<undefined>>
  /** Whether rules made on this machine count: false when a domain's policy ignores them, or where a profile's firewall is off. */
  localFirewallRulesCount(): Promise<OrFailure<boolean>>

  /** Starts a program after the person agreed (`runas`), waits, and returns its exit code. Win32 error 1223: the person said no. */
  runElevated(program: string, commandLine: string, cwd: string): Promise<OrFailure<number>>
}
