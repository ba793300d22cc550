/**
 * Whether a login came from the server that is configured.
 *
 * `auth.json` lies in one place whatever the server, so a wrong `issuer` would show the refresh token of one server to
 * another. The id_token says who issued it (OpenID Connect Core §2); where it says nothing, nothing can be told. What it
 * says is not checked by a signature: this guards against mistakes, not against someone who may write the file.
 */
import { AuthError } from './errors.ts'
import type { OAuthProvider } from './provider.ts'
import type { TokenData } from './record.ts'

/** True unless the id_token names an issuer that is not the provider's; a slash at the end makes none another one. */
export function mayBeIssuedBy({ issuer }: OAuthProvider, claimed: string | undefined): boolean {
  return claimed === undefined || withoutSlash(claimed) === withoutSlash(issuer)
}

/** @throws AuthError `issuer_mismatch`, before a token of one server is sent to another. */
export function refuseOtherIssuer(provider: OAuthProvider, tokens: TokenData | undefined): void {
  const claimed = tokens?.claims.issuer
  if (mayBeIssuedBy(provider, claimed)) return
  throw new AuthError('issuer_mismatch', {
    issuers: { login: address(claimed!), configured: address(provider.issuer) },
  })
}

function withoutSlash(text: string): string {
  return text.replace(/\/+$/, '')
}

/** What may be shown of an address: no user, no query. */
function address(text: string): string {
  if (!URL.canParse(text)) return 'an issuer without address'
  const { protocol, host, pathname } = new URL(text)
  return withoutSlash(`${protocol}//${host}${pathname}`).slice(0, 200)
}
