/**
 * The payload of a JSON Web Token, read without checking its signature.
 *
 * These tokens come from our own store or from the authorization server over TLS; whoever can change them there does not
 * need to forge them. Nothing read here grants anything. Rules: auth.md §2 (three non-empty parts, further parts and the
 * header ignored, base64url in its only canonical form and without padding).
 */
import { type JsonMember, parseObjectMembers } from './json-members.ts'

/** The members of the payload, or nothing when `token` is not a readable token. */
export function decodeJwtPayload(token: string): readonly JsonMember[] | undefined {
  const [header, payload, signature] = token.split('.')
  if (!header || !payload || !signature) return undefined
  const text = decodeCanonicalBase64Url(payload)
  return text === undefined ? undefined : parseObjectMembers(text)
}

function decodeCanonicalBase64Url(text: string): string | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64url')
  // Encoding again refuses bits that the decoder silently dropped.
  if (bytes.toString('base64url') !== text) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** When the token expires, in milliseconds; nothing when it does not say so with an integer. Never fails. */
export function jwtExpiration(token: string): number | undefined {
  const members = decodeJwtPayload(token)?.filter(member => member.key === 'exp')
  const member = members?.at(-1)
  if (member === undefined || !/^-?\d+$/.test(member.text)) return undefined
  const milliseconds = Number(member.text) * 1000
  return Math.abs(milliseconds) <= 8.64e15 ? milliseconds : undefined
}
