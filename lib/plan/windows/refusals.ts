/** Why a policy does not run on Windows, as stable words (spec/windows C). */
import type { Refusal } from '../plan.ts'

export type WindowsRefusalKind =
  /** The policy cannot be read: an unknown word, or a path that is not absolute. */
  | 'invalid-policy'
  /** The working directory is not absolute, is missing, or is no directory. */
  | 'invalid-cwd'
  /** The policy closes nothing, or its sandbox is somebody else's business. */
  | 'policy-not-sandboxable'
  /** Only the elevated backend can keep a command from reading. */
  | 'restricted-read-needs-elevated'
  /** The split policy means more than any legacy policy can say. */
  | 'split-not-round-trippable'
  /** As `restricted-read-needs-elevated`, of a split policy. */
  | 'split-read-restriction-unsupported'
  /** Only the elevated backend can deny reading. */
  | 'deny-read-unsupported'
  /** Without elevation the writable roots must be the working directory's and those beside it. */
  | 'split-writable-roots-mismatch'
  /** A denial is inherited by everything below it: nothing there can be opened for writing again. */
  | 'reopened-writable-descendant'
  /** The same for reading. */
  | 'reopened-readable-descendant'
  /** A grant here would rewrite the access lists of a whole volume, of the system, or of every user. */
  | 'writable-root-too-broad'
  | 'readable-root-too-broad'
  /** Something should be writable, and nothing of it is there or may be. */
  | 'no-writable-root'
  /** The elevated backend is not set up, or for other settings. */
  | 'setup-required'

export interface WindowsRefusal {
  readonly kind: WindowsRefusalKind
  readonly message: string
  /** The entry or root that is the reason, as spelled. */
  readonly entry?: string
  readonly hint?: string
}

export function windowsRefusal(
  kind: WindowsRefusalKind,
  message: string,
  details: Pick<WindowsRefusal, 'entry' | 'hint'> = {},
): WindowsRefusal {
  return { kind, message, ...details }
}

const unavailable: ReadonlySet<WindowsRefusalKind> = new Set(['setup-required'])

/** The refusal as every engine gives it. `mechanism` is the kind, by which a host tells one from another. */
export function refusalOfWindows({ kind, message, entry, hint }: WindowsRefusal): Refusal {
  return {
    kind: unavailable.has(kind) ? 'unavailable' : 'not-enforceable',
    mechanism: `windows ${kind}`,
    message,
    ...(entry === undefined ? {} : { entry }),
    ...(hint === undefined ? {} : { hint }),
  }
}
