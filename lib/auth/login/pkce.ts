/**
 * Proof Key for Code Exchange (RFC 7636, method S256) and the state of an authorization request.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

export interface Pkce {
  readonly verifier: string
  readonly challenge: string
}

/** 64 random bytes, which is a verifier of 86 characters. */
export function createPkce(): Pkce {
  const verifier = randomBytes(64).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

export function createState(): string {
  return randomBytes(32).toString('base64url')
}

/** Compares without telling by its duration how much was right. */
export function sameState(expected: string, given: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(expected), digest(given))
}
