import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatAuthFile, parseAuthFile } from '../../lib/auth/auth-file.ts'
import { parseInstant } from '../../lib/auth/instant.ts'
import { compactJson } from '../../lib/auth/json-members.ts'
import { jwtExpiration } from '../../lib/auth/jwt.ts'
import { fingerprint, resolvedMode } from '../../lib/auth/record.ts'
import { authNamespace, idToken, jwt, managedText } from './support.ts'

const tokens = (changes: object) =>
  JSON.stringify({ tokens: { id_token: idToken(), access_token: 'a', refresh_token: 'r', ...changes } })

describe('a record that can be used', () => {
  it.each([
    ['nothing at all', '{}', 'chatgpt'],
    ['a key and no mode', '{"OPENAI_API_KEY":"sk-1"}', 'apikey'],
    [
      'every known member null',
      '{"auth_mode":null,"OPENAI_API_KEY":null,"tokens":null,"last_refresh":null}',
      'chatgpt',
    ],
    ['a personal access token', '{"personal_access_token":"at-1","OPENAI_API_KEY":"sk-1"}', 'personalAccessToken'],
    ['empty access and refresh tokens', tokens({ access_token: '', refresh_token: '' }), 'chatgpt'],
    ['account id null', tokens({ account_id: null }), 'chatgpt'],
    ['an unknown member twice', '{"x":1,"x":2}', 'chatgpt'],
    ['white space around', ' \r\n{ }\t\n', 'chatgpt'],
    ['an id_token with a null namespace', tokens({ id_token: jwt({ [authNamespace]: null }) }), 'chatgpt'],
    ['an id_token of four parts with any header', tokens({ id_token: '!.e30.s.more' }), 'chatgpt'],
  ])('%s', (_title, text, mode) => {
    const record = parseAuthFile(text)
    expect(record && resolvedMode(record)).toBe(mode)
  })
})

describe('a record that cannot be used', () => {
  it.each([
    ['an empty file', ''],
    ['null', 'null'],
    ['an array', '[]'],
    ['a byte order mark', '\uFEFF{}'],
    ['a comment', '{} // x'],
    ['a known member twice', '{"OPENAI_API_KEY":"a","OPENAI_API_KEY":"a"}'],
    ['a known member twice, once escaped', '{"tokens":null,"\\u0074okens":null}'],
    ['a token twice', '{"tokens":{"id_token":"a.e30.s","id_token":"a.e30.s","access_token":"","refresh_token":""}}'],
    ['a mode in another case', '{"auth_mode":"ChatGPT"}'],
    ['mode apikey without a key', '{"auth_mode":"apikey"}'],
    ['tokens as a list', '{"tokens":[]}'],
    ['an access token that is null', tokens({ access_token: null })],
    ['an access token that is a number', tokens({ access_token: 1 })],
    ['half a character', '{"OPENAI_API_KEY":"\\ud800"}'],
    ['a date without a time', '{"last_refresh":"2026-06-01"}'],
    ['a local time', '{"last_refresh":"2026-06-01T12:00:00"}'],
    ['a thirtieth of February', '{"last_refresh":"2026-02-30T12:00:00Z"}'],
    ['a numeric e-mail', tokens({ id_token: jwt({ email: 5 }) })],
    ['a claim twice', tokens({ id_token: jwt('{"email":"a","email":"a"}') })],
    ['a payload that is a list', tokens({ id_token: jwt('[]') })],
    ['a payload with padding', tokens({ id_token: 'a.e30=.s' })],
    ['a payload in the other alphabet', tokens({ id_token: 'a.e/0.s' })],
    ['fedramp null', tokens({ id_token: jwt({ [authNamespace]: { chatgpt_account_is_fedramp: null } }) })],
  ])('%s', (_title, text) => {
    expect(parseAuthFile(text)).toBeUndefined()
  })
})

describe('writing a record', () => {
  it('gives back byte for byte what Codex wrote', () => {
    const text = managedText()
    expect(formatAuthFile(parseAuthFile(text)!)).toBe(text)
  })

  it('keeps members it does not know as they were written, on both levels', () => {
    const unknown = '{ "deep" : [1.10, 12345678901234567890, "\\u00e9"] }'
    const text = `{"tokens":{"id_token":"a.e30.s","access_token":"","refresh_token":"","later":${unknown}},"later":${unknown},"later":2}`
    const written = formatAuthFile(parseAuthFile(text)!)
    expect(written.split(unknown)).toHaveLength(3)
    expect(written).toContain('"later": 2')
    expect(fingerprint(parseAuthFile(written)!)).toBe(fingerprint(parseAuthFile(text)!))
  })

  it('writes the key as null when there is none, and no other empty member', () => {
    expect(formatAuthFile(parseAuthFile('{}')!)).toBe('{\n  "OPENAI_API_KEY": null\n}')
  })

  it('has a compact form for keyrings that keeps every string and number', () => {
    expect(compactJson('{ "a b" : "c \\" d" ,\n "n": 1.10 }')).toBe('{"a b":"c \\" d","n":1.10}')
  })
})

describe('telling records apart', () => {
  const base = managedText()
  const same = (other: string) => fingerprint(parseAuthFile(other)!) === fingerprint(parseAuthFile(base)!)

  it.each([
    ['formatting', JSON.stringify(JSON.parse(base)), true],
    ['an unknown member', base.replace('{', '{"x":1,'), true],
    ['another spelling of the instant', base.replace('2026-05-31T12:00:00Z', '2026-05-31t14:00:00.000+02:00'), true],
    ['a nanosecond', base.replace('12:00:00Z', '12:00:00.000000001Z'), false],
    ['the access token', base.replace('at-0', 'at-1'), false],
    ['the refresh token', base.replace('rt-0', 'rt-1'), false],
    ['the stored mode', base.replace('"chatgpt"', 'null'), false],
    ['a key beside the tokens', base.replace('null', '"sk-1"'), false],
  ])('%s', (_title, other, expected) => {
    expect(same(other)).toBe(expected)
  })
})

describe('instants', () => {
  it.each([
    ['1970-01-01T00:00:00Z', 0n],
    ['1970-01-01 00:00:01.5+00:00', 1_500_000_000n],
    ['1969-12-31T23:59:59.999999999Z', -1n],
    ['1970-01-01T01:00:00.0000000019+01:00', 1n],
    ['2000-02-29T00:00:00-01:30', 951_787_800_000_000_000n],
  ])('%s', (text, nanoseconds) => {
    expect(parseInstant(text)?.nanoseconds).toBe(nanoseconds)
  })

  it.each(['1970-01-01T24:00:00Z', '1970-13-01T00:00:00Z', '1970-01-01T00:00:00', '1970-01-01T00:00Z', 'x'])(
    'not %s',
    text => {
      expect(parseInstant(text)).toBeUndefined()
    },
  )
})

describe('the expiry of a token', () => {
  it.each([
    [{ exp: 1_800_000_000 }, 1_800_000_000_000],
    [{ exp: '1800000000' }, undefined],
    ['{"exp":1.5}', undefined],
    ['{"exp":1e3}', undefined],
    ['{"exp":99999999999999999999}', undefined],
    [{}, undefined],
  ])('%j', (payload, expected) => {
    expect(jwtExpiration(jwt(payload))).toBe(expected)
  })

  it('is unknown for an opaque token', () => {
    expect(jwtExpiration('opaque')).toBeUndefined()
  })
})

describe('any text', () => {
  const json = fc.json({ depthSize: 'small' })
  const keys = ['auth_mode', 'OPENAI_API_KEY', 'tokens', 'last_refresh', 'personal_access_token', 'x', '__proto__']

  it('is a record or none, and never an error', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), json), text => void parseAuthFile(text)))
  })

  it('that is a record is the same record after it was written, unknown members included', () => {
    const member = fc.tuple(fc.constantFrom(...keys), fc.oneof(json, fc.constant('null'), fc.constant('"apikey"')))
    fc.assert(
      fc.property(fc.array(member, { maxLength: 6 }), members => {
        const text = `{${members.map(([key, value]) => `${JSON.stringify(key)}: ${value}`).join(',')}}`
        const record = parseAuthFile(text)
        if (record === undefined) return
        expect(parseAuthFile(formatAuthFile(record))).toEqual(record)
        expect(parseAuthFile(compactJson(formatAuthFile(record)))?.apiKey).toBe(record.apiKey)
        expect(JSON.parse(compactJson(text))).toEqual(JSON.parse(text))
      }),
      { numRuns: 2_000 },
    )
  })
})
