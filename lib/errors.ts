/**
 * Every error class and code of castellan. Imports nothing, so that any layer may use it.
 *
 * Codes are API: they are listed in `ErrorCode`, explained in docs/errors.md and never reused. Messages are not API.
 * A message names the act, the object and the cause, in that order, and never holds a token, an environment value or the
 * content of a file.
 */

export type ErrorCode =
  | 'ERR_INVALID_OPTION'
  | 'ERR_POLICY_INVALID'
  | 'ERR_POLICY_NOT_ENFORCEABLE'
  | 'ERR_POLICY_NO_ROUND_TRIP'
  | 'ERR_BACKEND_UNAVAILABLE'
  | 'ERR_WSL1_UNSUPPORTED'
  | 'ERR_LIMIT_NOT_ENFORCEABLE'
  | 'ERR_LAUNCH'
  | 'ERR_WINDOWS_SETUP'
  | 'ERR_SANDBOX_DISPOSED'
  | 'ERR_AUTH_REFRESH_TRANSIENT'
  | 'ERR_AUTH_REFRESH_PERMANENT'
  | 'ERR_AUTH_STORAGE'
  | 'ERR_AUTH_INVALID'
  | 'ERR_AUTH_LOGIN'
  | 'ERR_PATCH_INVALID'
  | 'ERR_PATCH_NO_MATCH'
  | 'ERR_PATCH_CONFLICT'
  | 'ERR_PATCH_REFUSED'
  | 'ERR_PATCH_IO'
  | 'ERR_ENTRY'
  | 'ERR_INTERNAL'

/** Marks errors of this library, so that two installed copies recognise each other's (`instanceof` works across them). */
const brand = Symbol.for('castellan.error')

export interface ErrorDetails {
  readonly cause?: unknown
}

/** The base of every error this library throws. `code` is stable; `cause` is the error underneath, when there is one. */
export class LibraryError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.code = code
    Object.defineProperty(this, brand, { value: this.constructor.name })
  }

  // The name of the class is part of what a host logs; deriving it keeps subclasses from repeating themselves.
  override get name(): string {
    return this.constructor.name
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false
    for (let proto: unknown = Object.getPrototypeOf(value); proto !== null; proto = Object.getPrototypeOf(proto)) {
      if (proto === this.prototype) return true
    }
    return brand in value && (this === LibraryError || value[brand] === this.name)
  }
}

/** The caller passed something that cannot be used. `option` names it as the caller spelled it. */
export class OptionError extends LibraryError {
  readonly option: string

  constructor(option: string, message: string, details: ErrorDetails = {}) {
    super('ERR_INVALID_OPTION', message, details)
    this.option = option
  }
}

export interface PolicyErrorDetails extends ErrorDetails {
  /** Where in the document, for instance `entries[3].path` or `line 4, column 9`; empty for the document itself. */
  readonly location?: string
  /** The same as numbers from 1, when the document is a text. */
  readonly place?: { readonly line: number; readonly column: number }
  /** The entry that cannot be held, as the user wrote it. */
  readonly entry?: string
  /** What cannot hold it, for instance `landlock` or `mount plan`. */
  readonly mechanism?: string
}

/** A policy is malformed, cannot be held exactly on this machine, or has no legacy form. */
export class PolicyError extends LibraryError {
  readonly location: string
  readonly place: { readonly line: number; readonly column: number } | undefined
  readonly entry: string | undefined
  readonly mechanism: string | undefined

  constructor(code: Extract<ErrorCode, `ERR_POLICY_${string}`>, message: string, details: PolicyErrorDetails = {}) {
    super(code, message, details)
    this.location = details.location ?? ''
    this.place = details.place
    this.entry = details.entry
    this.mechanism = details.mechanism
  }
}

export interface BackendErrorDetails extends ErrorDetails {
  /** The capability that is missing, for instance `user-namespaces`. */
  readonly capability?: string
  /** How to get it, when that is known. */
  readonly hint?: string
}

/** No engine on this machine can be used. Says what was looked for, what was found and how to get it. */
export class BackendError extends LibraryError {
  readonly capability: string | undefined
  readonly hint: string | undefined

  constructor(
    message: string,
    details: BackendErrorDetails = {},
    code: 'ERR_BACKEND_UNAVAILABLE' | 'ERR_WSL1_UNSUPPORTED' = 'ERR_BACKEND_UNAVAILABLE',
  ) {
    super(code, message, details)
    this.capability = details.capability
    this.hint = details.hint
  }
}

export interface LaunchErrorDetails extends ErrorDetails {
  /** The step of the launch that failed, for instance `mount`, `landlock`, `exec`. */
  readonly stage: string
  /** The name of the operating system's error, for instance `EACCES`. */
  readonly errnoName?: string
  readonly errno?: number
  /** The plan line that was being carried out. */
  readonly planLine?: string
  readonly path?: string
  /** Default: false. */
  readonly partly?: boolean
}

/** A confinement step failed. The command did not run. */
export class LaunchError extends LibraryError {
  readonly stage: string
  readonly errnoName: string | undefined
  readonly errno: number | undefined
  readonly planLine: string | undefined
  readonly path: string | undefined
  /** From `restrictCurrentProcess` alone: something holds this process for good, but not its policy. It has to end. */
  readonly partly: boolean

  constructor(message: string, details: LaunchErrorDetails) {
    super('ERR_LAUNCH', message, details)
    this.stage = details.stage
    this.errnoName = details.errnoName
    this.errno = details.errno
    this.planLine = details.planLine
    this.path = details.path
    this.partly = details.partly ?? false
  }
}

export interface EntryErrorDetails extends ErrorDetails {
  readonly reason: 'world-writable' | 'group-writable' | 'foreign-owner' | 'not-a-directory' | 'locked' | 'bundled'
  /** What the reason is about. */
  readonly path: string
}

/** A directory with programs for children cannot be made. */
export class EntryError extends LibraryError {
  readonly reason: EntryErrorDetails['reason']
  readonly path: string

  constructor(message: string, details: EntryErrorDetails) {
    super('ERR_ENTRY', message, details)
    this.reason = details.reason
    this.path = details.path
  }
}

export interface LimitErrorDetails extends ErrorDetails {
  /** As in the option `limits`, for instance `memory`. */
  readonly limit: string
  /** What would have to hold it, for instance `mark`, `setrlimit`, `stdio`. */
  readonly mechanism: string
}

/** A limit cannot be held for this command here. The command did not run. */
export class LimitError extends LibraryError {
  readonly limit: string
  readonly mechanism: string

  constructor(message: string, details: LimitErrorDetails) {
    super('ERR_LIMIT_NOT_ENFORCEABLE', message, details)
    this.limit = details.limit
    this.mechanism = details.mechanism
  }
}

export interface WindowsSetupErrorDetails extends ErrorDetails {
  /** The step that failed, for instance `add-firewall-rules`. */
  readonly step: string
  /** Codex's word for it, for instance `helper_firewall_rule_create_or_add_failed`. */
  readonly setupCode: string
  /** The number of the system's error, where a call failed. */
  readonly win32?: number
  /** The place that leads elsewhere, or cannot be written. */
  readonly path?: string
}

/** A step of setting up the elevated backend of Windows failed. It can be done again. */
export class WindowsSetupError extends LibraryError {
  readonly step: string
  readonly setupCode: string
  readonly win32: number | undefined
  readonly path: string | undefined

  constructor(message: string, details: WindowsSetupErrorDetails) {
    super('ERR_WINDOWS_SETUP', message, details)
    this.step = details.step
    this.setupCode = details.setupCode
    this.win32 = details.win32
    this.path = details.path
  }
}

/** A call on a sandbox that was disposed. */
export class DisposedError extends LibraryError {
  constructor(message = 'cannot launch: the sandbox was disposed') {
    super('ERR_SANDBOX_DISPOSED', message)
  }
}

/** Cannot happen. Seeing one is a bug in castellan; please report it. */
export class InternalError extends LibraryError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('ERR_INTERNAL', `${message} (this is a bug in castellan, please report it)`, details)
  }
}

/** Ends a `switch` over a union: a new variant that is not handled fails to compile here. */
export function unreachable(value: never): never {
  throw new InternalError(`unexpected value ${JSON.stringify(value)}`)
}
