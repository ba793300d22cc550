/**
 * `auth.json` as text, read and written exactly as Codex does (auth.md §1).
 *
 * A file is usable as a whole or not at all: one member of the wrong type, a known member written twice or an unreadable
 * id_token and there are no credentials. What was wrong is never told with the file's own words.
 */
import { parseIdToken } from './claims.ts'
import { type Instant, parseInstant } from './instant.ts'
import { isWellFormed, type JsonMember, parseObjectMembers } from './json-members.ts'
import { type AuthMode, type AuthRecord, authModes, type TokenData, type UnknownMember } from './record.ts'

const recordKeys = ['auth_mode', 'OPENAI_API_KEY', 'tokens', 'last_refresh', 'agent_identity', 'personal_access_token']
const tokenKeys = ['id_token', 'access_token', 'refresh_token', 'account_id']

/** Thrown inside this file only; which rule failed does not matter to anyone outside. */
const unusable = Symbol('the record cannot be used')

/** The record that `text` holds, or nothing when it is not a usable one. */
export function parseAuthFile(text: string): AuthRecord | undefined {
  const members = parseObjectMembers(text)
  if (members === undefined) return undefined
  try {
    return readRecord(members)
  } catch (error) {
    if (error === unusable) return undefined
    throw error
  }
}

function readRecord(members: readonly JsonMember[]): AuthRecord {
  const known = knownMembers(members, recordKeys)
  const record: AuthRecord = {
    authMode: readMode(known.get('auth_mode')),
    apiKey: optionalString(known.get('OPENAI_API_KEY')),
    tokens: readTokens(known.get('tokens')),
    lastRefresh: readInstant(known.get('last_refresh')),
    agentIdentity: optionalString(known.get('agent_identity')),
    personalAccessToken: optionalString(known.get('personal_access_token')),
    unknown: unknownMembers(members, recordKeys),
  }
  if (record.authMode === 'apikey' && record.apiKey === undefined) throw unusable
  if (record.authMode === 'personalAccessToken' && record.personalAccessToken === undefined) throw unusable
  if (record.authMode === 'agentIdentity' && record.agentIdentity === undefined) throw unusable
  return Object.freeze(record)
}

function readTokens(member: JsonMember | undefined): TokenData | undefined {
  if (member === undefined || member.value === null) return undefined
  const members = parseObjectMembers(member.text)
  if (members === undefined) throw unusable
  const known = knownMembers(members, tokenKeys)
  const idToken = requiredString(known.get('id_token'))
  const claims = parseIdToken(idToken)
  if (claims === undefined) throw unusable
  return Object.freeze({
    idToken,
    claims,
    accessToken: requiredString(known.get('access_token')),
    refreshToken: requiredString(known.get('refresh_token')),
    accountId: optionalString(known.get('account_id')),
    unknown: unknownMembers(members, tokenKeys),
  })
}

function knownMembers(members: readonly JsonMember[], keys: readonly string[]): ReadonlyMap<string, JsonMember> {
  const known = new Map<string, JsonMember>()
  for (const member of members) {
    if (!keys.includes(member.key)) continue
    if (known.has(member.key)) throw unusable
    known.set(member.key, member)
  }
  return known
}

function unknownMembers(members: readonly JsonMember[], keys: readonly string[]): readonly UnknownMember[] {
  return Object.freeze(members.filter(({ key }) => !keys.includes(key)).map(({ key, text }) => ({ key, text })))
}

function requiredString(member: JsonMember | undefined): string {
  if (typeof member?.value !== 'string' || !isWellFormed(member.value)) throw unusable
  return member.value
}

function optionalString(member: JsonMember | undefined): string | undefined {
  return member === undefined || member.value === null ? undefined : requiredString(member)
}

function readMode(member: JsonMember | undefined): AuthMode | undefined {
  const text = optionalString(member)
  if (text === undefined) return undefined
  const mode = authModes.find(name => name === text)
  if (mode === undefined) throw unusable
  return mode
}

function readInstant(member: JsonMember | undefined): Instant | undefined {
  const text = optionalString(member)
  if (text === undefined) return undefined
  const instant = parseInstant(text)
  if (instant === undefined) throw unusable
  return instant
}

/** The text of a record as Codex lays it out: two spaces, no final newline. A keyring store removes the spaces itself. */
export function formatAuthFile(record: AuthRecord): string {
  const tokens = record.tokens
  return formatObject('', [
    stringMember('auth_mode', record.authMode),
    // Written even when empty: builds before 2026-06 look for it.
    { key: 'OPENAI_API_KEY', text: JSON.stringify(record.apiKey ?? null) },
    tokens && { key: 'tokens', text: formatTokens(tokens) },
    stringMember('last_refresh', record.lastRefresh?.text),
    stringMember('agent_identity', record.agentIdentity),
    stringMember('personal_access_token', record.personalAccessToken),
    ...record.unknown,
  ])
}

function formatTokens(tokens: TokenData): string {
  return formatObject('  ', [
    { key: 'id_token', text: JSON.stringify(tokens.idToken) },
    { key: 'access_token', text: JSON.stringify(tokens.accessToken) },
    { key: 'refresh_token', text: JSON.stringify(tokens.refreshToken) },
    { key: 'account_id', text: JSON.stringify(tokens.accountId ?? null) },
    ...tokens.unknown,
  ])
}

function stringMember(key: string, value: string | undefined): UnknownMember | undefined {
  return value === undefined ? undefined : { key, text: JSON.stringify(value) }
}

function formatObject(indent: string, members: readonly (UnknownMember | undefined)[]): string {
  const lines = members
    .filter(member => member !== undefined)
    .map(({ key, text }) => `${indent}  ${JSON.stringify(key)}: ${text}`)
  return `{\n${lines.join(',\n')}\n${indent}}`
}
