/**
 * Who an `id_token` belongs to.
 *
 * A claim of the wrong type makes the whole token unreadable and with it the whole record, as in the reference: a record
 * that we read and Codex does not would be two logins in one file (auth.md §2).
 */
import { type JsonMember, parseObjectMembers } from './json-members.ts'
import { decodeJwtPayload } from './jwt.ts'

export interface IdTokenClaims {
  readonly email: string | undefined
  /** As written in the token; see `planTypeOf`. */
  readonly rawPlan: string | undefined
  readonly userId: string | undefined
  readonly accountId: string | undefined
  readonly fedramp: boolean
  /** Whom the issuer means (OpenID Connect Core §2). The reference ignores it, so no form of it makes a token unreadable. */
  readonly subject: string | undefined
  /** Who issued it (the same §2); ignored by the reference, too. */
  readonly issuer: string | undefined
}

const profileNamespace = 'https://api.openai.com/profile'
const authNamespace = 'https://api.openai.com/auth'

/** Reads the claims; nothing when the token cannot be read as the reference reads it. */
export function parseIdToken(token: string): IdTokenClaims | undefined {
  const payload = decodeJwtPayload(token)
  if (payload === undefined) return undefined
  try {
    const profile = namespace(payload, profileNamespace)
    const auth = namespace(payload, authNamespace)
    const topEmail = optionalString(payload, 'email')
    const profileEmail = optionalString(profile, 'email')
    const chatgptUserId = optionalString(auth, 'chatgpt_user_id')
    const userId = optionalString(auth, 'user_id')
    return Object.freeze({
      email: topEmail ?? profileEmail,
      rawPlan: optionalString(auth, 'chatgpt_plan_type'),
      userId: chatgptUserId ?? userId,
      accountId: optionalString(auth, 'chatgpt_account_id'),
      fedramp: fedrampFlag(auth),
      subject: plainString(payload, 'sub'),
      issuer: plainString(payload, 'iss'),
    })
  } catch (error) {
    if (error === mistyped) return undefined
    throw error
  }
}

const mistyped = Symbol('a claim has the wrong type')

function single(members: readonly JsonMember[], key: string): JsonMember | undefined {
  const found = members.filter(member => member.key === key)
  if (found.length > 1) throw mistyped
  return found[0]
}

function namespace(payload: readonly JsonMember[], key: string): readonly JsonMember[] {
  const member = single(payload, key)
  if (member === undefined || member.value === null) return []
  const members = parseObjectMembers(member.text)
  if (members === undefined) throw mistyped
  return members
}

function optionalString(members: readonly JsonMember[], key: string): string | undefined {
  const member = single(members, key)
  if (member === undefined || member.value === null) return undefined
  if (typeof member.value !== 'string') throw mistyped
  return member.value
}

function plainString(payload: readonly JsonMember[], name: string): string | undefined {
  const value = payload.findLast(({ key }) => key === name)?.value
  return typeof value === 'string' ? value : undefined
}

function fedrampFlag(members: readonly JsonMember[]): boolean {
  const member = single(members, 'chatgpt_account_is_fedramp')
  if (member === undefined) return false
  if (typeof member.value !== 'boolean') throw mistyped
  return member.value
}
