/**
 * What a host may want to tell its user. Notices are data; this library never prints one.
 */

export type NoticeCode =
  | 'bubblewrap-missing'
  | 'bubblewrap-too-old'
  | 'bubblewrap-unusable'
  | 'user-namespaces-unavailable'
  | 'landlock-unavailable'
  | 'engine-fallback'
  | 'plan-limits'
  | 'unknown-special-path'
  | 'missing-root'
  | 'git-protected'
  | 'seatbelt-never-executed'
  | 'seatbelt-helper-missing'
  | 'seatbelt-helper-writable'
  | 'windows-never-executed'

export interface Notice {
  readonly code: NoticeCode
  /** One sentence for a person. */
  readonly message: string
  /** What to do about it, when something can be done. */
  readonly hint?: string
}

export function notice(code: NoticeCode, message: string, hint?: string): Notice {
  return Object.freeze(hint === undefined ? { code, message } : { code, message, hint })
}
