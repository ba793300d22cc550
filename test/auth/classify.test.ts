import { describe, expect, it } from 'vitest'
import { AuthError } from '../../lib/auth/errors.ts'
import { codexProvider, endpointsOf, mayReceiveSecrets } from '../../lib/auth/provider.ts'
import { classify, errorCode } from '../../lib/auth/refresh/classify.ts'
import { pauseAfter, pauseLeft } from '../../lib/auth/refresh/pause.ts'

const now = Date.parse('2026-06-01T12:00:00Z')

function outcome(status: number, body: unknown, headers: Record<string, string> = {}, permanentCodes: string[] = []) {
  const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body)
  return classify({ status, body: text as string | undefined, headers: new Headers(headers) }, { now, permanentCodes })
}

describe('a success', () => {
  it.each([
    [{ access_token: 'a' }, { accessToken: 'a', refreshToken: undefined, idToken: undefined }],
    [
      { access_token: 'a', refresh_token: 'r' },
      { accessToken: 'a', refreshToken: 'r', idToken: undefined },
    ],
    [
      { access_token: 'a', refresh_token: null, id_token: 'i' },
      { accessToken: 'a', refreshToken: undefined, idToken: 'i' },
    ],
  ])('%j gives tokens', (body, tokens) => {
    expect(outcome(200, body)).toEqual({ kind: 'success', tokens })
  })

  it.each([
    {},
    [],
    'null',
    '<html>',
    '',
    { access_token: '' },
    { access_token: 5 },
    { id_token: 'i' },
    { access_token: 'a', refresh_token: '' },
  ])('%j is refused', body => {
    expect(outcome(200, body)).toMatchObject({ kind: 'transient', reason: 'bad_response' })
  })

  it('keeps a refresh token that comes alone', () => {
    expect(outcome(200, { refresh_token: 'r' })).toMatchObject({ kind: 'rotated-only', refreshToken: 'r' })
  })

  it('is refused when it is too large to be read', () => {
    expect(outcome(200, undefined)).toMatchObject({ kind: 'transient', reason: 'response_too_large' })
  })
})

describe('a failure', () => {
  it.each([
    [401, '', 'permanent', 'other'],
    [401, undefined, 'permanent', 'other'],
    [401, '<html>', 'permanent', 'other'],
    [401, { error: { code: 'refresh_token_expired' } }, 'permanent', 'expired'],
    [500, { error: 'refresh_token_reused' }, 'permanent', 'exhausted'],
    [429, { code: 'Refresh_Token_Invalidated' }, 'permanent', 'revoked'],
    [400, { error: 'invalid_grant' }, 'permanent', 'other'],
    [403, { error: 'invalid_grant' }, 'transient', 'server'],
    [400, { error: ' invalid_grant' }, 'transient', 'server'],
    [400, { error: { code: 'app_session_expired' } }, 'transient', 'server'],
    [400, { error: { code: 5 }, code: 'refresh_token_reused' }, 'permanent', 'exhausted'],
    [404, '', 'transient', 'server'],
    [429, '', 'transient', 'rate_limited'],
    [503, undefined, 'transient', 'server'],
  ])('%i %j is %s (%s)', (status, body, kind, reason) => {
    expect(outcome(status, body)).toMatchObject({ kind, reason, status })
  })

  it('is permanent for codes that the host names, and only for those', () => {
    const codes = ['app_session_expired']
    expect(outcome(400, { error: 'app_session_expired' }, {}, codes)).toMatchObject({ kind: 'permanent' })
    expect(outcome(400, { error: 'other' }, {}, codes)).toMatchObject({ kind: 'transient' })
  })

  it('lowers ASCII letters only', () => {
    expect(errorCode('{"error":"ABC-\u0130"}')).toBe('abc-\u0130')
  })
})

describe('Retry-After', () => {
  it.each([
    [429, '30', 30_000],
    [503, '0', 0],
    [429, '86400', 300_000],
    [429, 'Mon, 01 Jun 2026 12:01:00 GMT', 60_000],
    [429, 'Mon, 01 Jun 2026 11:00:00 GMT', 0],
    [429, 'soon', undefined],
    [500, '30', undefined],
  ])('%i %s', (status, header, expected) => {
    expect((outcome(status, '', { 'retry-after': header }) as { retryAfterMs?: number }).retryAfterMs).toBe(expected)
  })
})

describe('the pause after failures', () => {
  it('begins with the third, doubles, and ends at a minute', () => {
    let pause: ReturnType<typeof pauseAfter> | undefined
    const waits = Array.from({ length: 12 }, () => {
      pause = pauseAfter(pause, new AuthError('server'), now)
      return pause.until - now
    })
    expect(waits).toEqual([0, 0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000])
  })

  it('is as long as the server asks for', () => {
    expect(pauseAfter(undefined, new AuthError('rate_limited', { retryAfterMs: 5_000 }), now).until - now).toBe(5_000)
  })

  it('ends with its time, and when the clock is set back', () => {
    const pause = pauseAfter(undefined, new AuthError('rate_limited', { retryAfterMs: 5_000 }), now)
    const left = [0, 4_999, 5_000, 86_400_000, -1, -86_400_000].map(later => pauseLeft(pause, now + later))
    expect(left).toEqual([5_000, 1, 0, 0, 0, 0])
  })
})

describe('endpoints', () => {
  const provider = codexProvider()

  it.each([
    [{}, 'https://auth.openai.com/oauth/token', 'https://auth.openai.com/oauth/revoke'],
    [
      { CODEX_REFRESH_TOKEN_URL_OVERRIDE: 'http://localhost:1/x?y' },
      'http://localhost:1/x?y',
      'http://localhost:1/oauth/revoke',
    ],
    [
      { CODEX_REVOKE_TOKEN_URL_OVERRIDE: 'http://localhost:2/r' },
      'https://auth.openai.com/oauth/token',
      'http://localhost:2/r',
    ],
    [{ CODEX_REFRESH_TOKEN_URL_OVERRIDE: '' }, '', undefined],
  ])('%j', (environment, token, revocation) => {
    expect(endpointsOf(provider, environment)).toMatchObject({ token, revocation })
  })

  it.each([
    ['https://a.example/x', true],
    ['http://127.0.0.1:80/x', true],
    ['http://[::1]:80/x', true],
    ['http://localhost/x', true],
    ['http://a.example/x', false],
    ['http://127.0.0.1.a.example/x', false],
    ['ftp://localhost/x', false],
    ['', false],
  ])('%s may receive a token: %s', (url, expected) => {
    expect(mayReceiveSecrets(url)).toBe(expected)
  })
})
