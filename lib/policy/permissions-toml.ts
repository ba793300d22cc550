/**
 * `[permissions]` profiles as people write them: a TOML text in, a policy out (spec chapter 15, L6-13). Every error and every
 * notice names its line and column. What would weaken a profile without a word is refused: a denial of a name that is not
 * known, a misspelt member, a network that only a proxy could limit.
 */
import { parse, TomlError } from 'smol-toml'
import { PolicyError, unreachable } from '../errors.ts'
import { z } from '../schema.ts'
import { guarded } from './parse.ts'
import { BUILT_IN_PROFILES, type Place } from './permissions-inheritance.ts'
import {
  FIRST_PROFILE_MEMBERS,
  NETWORK_MEMBERS,
  type Pairs,
  PROFILE_MEMBERS,
  type ProfileTable,
  profileTables,
} from './permissions-schema.ts'
import {
  compileProfile,
  type PermissionsOptions,
  type PermissionsRefusal,
  type PlacedPermissions,
  specialNames,
} from './permissions-table.ts'
import type { FileSystemAccess, Policy } from './policy.ts'
import { problemIn, show, suggestion } from './refusal.ts'
import { spellingOf } from './special.ts'
import { describePlace, type TextPlace, textPlace } from './text-place.ts'
import { tomlPlaces } from './toml-places.ts'

export interface PermissionsTomlOptions extends PermissionsOptions {
  /** The profile to read. Default: what `default_permissions` in the text says. */
  readonly profile?: string | undefined
  /** What to do with members of a profile that do not exist: `ignore` makes a notice of each. Default `refuse`. */
  readonly unknownMembers?: 'ignore' | 'refuse' | undefined
}

/** What a host may want to tell its user about a profile that was read. */
export interface PermissionsNotice {
  readonly kind: /** The profile opens nothing, not even for reading (CFG-3). */
    | 'no-filesystem'
    /** A special name that is not known: what it would open stays closed (CFG-4). */
    | 'unknown-special-path'
    /** Two keys stand for one place; which one wins is not a matter of their order (ACC-4). */
    | 'repeated-place'
    /** A member that does not exist, with `unknownMembers: 'ignore'`. */
    | 'unknown-member'
  /** One sentence for a person. */
  readonly message: string
  /** The profile, key or member it is about. */
  readonly name: string
  readonly place: TextPlace | null
}

export interface PermissionsFromToml {
  readonly profile: string
  /** The profiles it inherits from, nearest first. */
  readonly inherits: readonly string[]
  /** For `createSandbox` and `resolvePolicy`. */
  readonly policy: Policy
  readonly notices: readonly PermissionsNotice[]
}

const DOCUMENT = 'permissions'

/** In UTF-16 units. Longer texts are no configuration. */
const LONGEST_TEXT = 1 << 20

/** The members of a network table that send the network through a proxy, or limit it there. */
const PROXY_MEMBERS = ['mode', 'allowed_domains', 'denied_domains', 'proxy_url', 'socks_url', 'enable_socks5']

/** Knows the text, for places. They are looked for when the first one is needed. */
class Document {
  readonly #text: string
  #places: ReturnType<typeof tomlPlaces> | undefined

  constructor(text: string) {
    this.#text = text
  }

  at(path: readonly PropertyKey[], part: 'key' | 'value' = 'key'): TextPlace | null {
    this.#places ??= tomlPlaces(this.#text)
    const found = this.#places.find(path)
    return found === null ? null : textPlace(this.#text, found[part])
  }

  refuse(place: TextPlace | null, problem: string, details: { readonly entry?: string } = {}): PolicyError {
    const location = place === null ? '' : describePlace(place)
    const where = place === null ? DOCUMENT : `${DOCUMENT} at ${location}`
    const more = place === null ? {} : { place }
    return new PolicyError('ERR_POLICY_INVALID', `cannot read ${where}: ${problem}`, { location, ...more, ...details })
  }
}

function readText(text: unknown): { readonly document: Document; readonly root: Readonly<Record<string, unknown>> } {
  if (typeof text !== 'string') throw new Document('').refuse(null, `found ${show(text)}, accepted is a TOML text`)
  const document = new Document(text)
  if (text.length > LONGEST_TEXT) throw document.refuse(null, `it is longer than ${LONGEST_TEXT} characters`)
  try {
    return { document, root: parse(text, { integersAsBigInt: 'asNeeded' }) }
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    // Its message and its own members quote the text, which may hold more than permissions; only the first line does not.
    const reason = error.message.split('\n')[0]!.replace(/^Invalid TOML document: /, '')
    throw document.refuse({ line: error.line, column: error.column }, `it is not TOML: ${reason}`)
  }
}

function profilesOf(document: Document, root: Readonly<Record<string, unknown>>, options: PermissionsOptions) {
  const input = Object.hasOwn(root, 'permissions') ? root['permissions'] : {}
  const result = z.safeParse(profileTables(options.model), input, { reportInput: true })
  if (result.success) return { input: input as Readonly<Record<string, unknown>>, profiles: result.data }
  const { place, problem } = problemIn(input, result.error, PROFILE_MEMBERS)
  throw document.refuse(document.at(['permissions', ...place], 'value'), problem)
}

function chosenProfile(document: Document, root: Readonly<Record<string, unknown>>, given: string | undefined): string {
  if (given !== undefined) return given
  const name = Object.hasOwn(root, 'default_permissions') ? root['default_permissions'] : undefined
  if (typeof name === 'string') return name
  if (name !== undefined) {
    throw document.refuse(
      document.at(['default_permissions'], 'value'),
      `found ${show(name)}, accepted is the name of a profile`,
    )
  }
  throw document.refuse(null, 'no profile was asked for, and default_permissions names none')
}

const reasons: Readonly<Record<Exclude<PermissionsRefusal, 'undefined-profile'>, (name: string) => string>> = {
  'inheritance-cycle': name => `the profile ${show(name)} inherits from itself`,
  'not-extendable': name => `nothing can be inherited from ${show(name)}`,
  'reserved-name': name => `the name ${show(name)} begins with a colon, which is kept for profiles that are built in`,
  'path-not-absolute': name =>
    name.startsWith('~')
      ? `${show(name)} is about a home directory that is not known`
      : `${show(name)} is not absolute; accepted is /…, ~/… or a special name like ":root"`,
  'nested-not-supported': name => `${show(name)} has no subpaths; give it one word`,
  'bad-subpath': name => `${show(name)} is no way downwards; accepted is a relative path without ".."`,
  'pattern-not-supported': name =>
    `${show(name)} is a pattern, which can only deny; name the directory or file, or end in "/**"`,
}

function refusedProfile(
  document: Document,
  refused: { readonly reason: PermissionsRefusal; readonly name: string; readonly place: Place },
  profiles: Pairs<ProfileTable>,
): PolicyError {
  const { reason, name, place } = refused
  if (reason !== 'undefined-profile') {
    return document.refuse(document.at(['permissions', ...place]), reasons[reason](name))
  }
  const known = [...profiles.map(([profile]) => profile), ...BUILT_IN_PROFILES]
  const asked = place.length === 0 ? document.at(['default_permissions'], 'value') : null
  const where = asked ?? document.at(['permissions', ...place], 'value')
  return document.refuse(where, `there is no profile ${show(name)}${suggestion(name, known)}`)
}

/** The members that nobody reads, of the profiles in use. */
function* unknownMembers(
  input: Readonly<Record<string, unknown>>,
  chain: readonly string[],
  model: PermissionsOptions['model'],
): Generator<{ readonly place: Place; readonly name: string; readonly accepted: readonly string[] }> {
  const members: readonly string[] = model === '2026-03' ? FIRST_PROFILE_MEMBERS : PROFILE_MEMBERS
  for (const profile of chain) {
    const table = Object.hasOwn(input, profile) ? (input[profile] as Readonly<Record<string, unknown>>) : {}
    for (const name of Object.keys(table)) {
      if (!members.includes(name)) yield { place: [profile, name], name, accepted: members }
    }
    for (const name of Object.keys((table['network'] as object | undefined) ?? {})) {
      if (!NETWORK_MEMBERS.includes(name)) {
        yield { place: [profile, 'network', name], name, accepted: NETWORK_MEMBERS }
      }
    }
  }
}

/** Without its proxy the network would be wide open. */
function refuseProxy(document: Document, { profile, network }: PlacedPermissions): void {
  if (network !== 'enabled') return
  for (const member of PROXY_MEMBERS) {
    const found = profile.network.get(member)
    if (found === undefined || found.value === false || (member === 'mode' && found.value === 'full')) continue
    const place = document.at(['permissions', ...found.place])
    const where = place === null ? '' : ` at ${describePlace(place)}`
    throw new PolicyError(
      'ERR_POLICY_NOT_ENFORCEABLE',
      `cannot hold network.${member}${where}: there is no proxy that would limit the network, which would be open; close it (enabled = false), or leave ${member} out`,
      {
        entry: `network.${member}`,
        mechanism: 'network proxy',
        ...(place === null ? {} : { location: describePlace(place), place }),
      },
    )
  }
}

/** Unknown names may open what stays closed, with a notice; a denial that would mean nothing is an error. */
function* noticesOf(
  document: Document,
  { warnings }: PlacedPermissions,
  options: PermissionsOptions,
): Generator<PermissionsNotice> {
  for (const { value: warning, place: path } of warnings) {
    const place = document.at(['permissions', ...path])
    switch (warning.kind) {
      case 'no-filesystem': {
        const message = `the profile ${show(warning.profile)} has no filesystem table: nothing can be read`
        yield { kind: warning.kind, message, name: warning.profile, place }
        break
      }
      case 'unknown-special-path': {
        const { name, access } = warning
        const problem = `there is no special path ${show(name)}`
        const meant = suggestion(name, specialNames(options.model))
        if (access === 'none') {
          throw document.refuse(place, `${problem}, and what it denies would stay open${meant}`, { entry: name })
        }
        yield { kind: warning.kind, message: `${problem}: it is ignored${meant}`, name, place }
        break
      }
      default:
        unreachable(warning)
    }
  }
}

/** `/data` and `/data/` are one place, and so are `~/x` and the path it stands for. */
function* repeatedPlaces(document: Document, { fileSystem, profile }: PlacedPermissions): Generator<PermissionsNotice> {
  const seen = new Map<string, FileSystemAccess>()
  for (const { path, access } of fileSystem.entries) {
    const key = JSON.stringify(path)
    const before = seen.get(key)
    seen.set(key, access)
    if (before === undefined || before === access) continue
    const name = spellingOf(path)
    const message = `${name} is written in two ways, with ${before} and with ${access}; none wins over write, and write over read`
    yield { kind: 'repeated-place', message, name, place: document.at(['permissions', profile.chain[0]!]) }
  }
}

function read(text: unknown, options: PermissionsTomlOptions): PermissionsFromToml {
  const { document, root } = readText(text)
  const name = chosenProfile(document, root, options.profile)
  const { input, profiles } = profilesOf(document, root, options)
  const compiled = compileProfile(profiles, name, options)
  if (compiled.kind === 'refused') throw refusedProfile(document, compiled, profiles)
  const notices: PermissionsNotice[] = []
  for (const { place: path, name, accepted } of unknownMembers(input, compiled.profile.chain, options.model)) {
    const place = document.at(['permissions', ...path])
    const problem = `there is no member ${show(name)}`
    const meant = suggestion(name, accepted)
    if (options.unknownMembers !== 'ignore') throw document.refuse(place, `${problem}${meant}`)
    notices.push({ kind: 'unknown-member', message: `${problem}: it is ignored${meant}`, name, place })
  }
  refuseProxy(document, compiled)
  notices.push(...noticesOf(document, compiled, options), ...repeatedPlaces(document, compiled))
  const { fileSystem, network, profile } = compiled
  return {
    profile: name,
    inherits: profile.chain.slice(1),
    policy: { form: 'split', fileSystem, network },
    notices,
  }
}

/**
 * Reads a profile of a TOML text: the tables `[permissions.NAME]`, with what they inherit (`extends`). Everything else in the
 * text is left alone, so that a whole configuration file of Codex can be given.
 *
 * @throws {PolicyError} ERR_POLICY_INVALID with `location` and `place`: line and column; ERR_POLICY_NOT_ENFORCEABLE for a
 * network that is to be open through a proxy only
 */
export function parsePermissionsToml(text: string, options: PermissionsTomlOptions = {}): PermissionsFromToml {
  return guarded(DOCUMENT, () => read(text, options))
}
