/**
 * What a caller may open on macOS beside the policy, as the README of the reference tells it: without any grants preferences
 * can be read, as ever; with grants only what they name is open (spec/macos E.2).
 */
import { OptionError } from '../../errors.ts'
import { trimBlanks } from '../../policy/blanks.ts'
import { compareBytes } from '../../policy/byte-order.ts'

export type GrantLevel = 'none' | 'read_only' | 'read_write'

export interface MacosGrants {
  /** The user's settings, through cfprefsd. */
  readonly preferences: GrantLevel
  /** Apple Events: to every program, or to these bundles only. */
  readonly automation: 'none' | 'all' | readonly string[]
  /** Opening documents and starting programs through LaunchServices. */
  readonly launchServices: boolean
  /** Controlling the interface of other programs. */
  readonly accessibility: boolean
  readonly calendar: boolean
  /** The calendar's service, and the reminders'. */
  readonly reminders: boolean
  readonly contacts: GrantLevel
  /** The certificate evaluation service, for programs that check certificates without the network of the policy. */
  readonly trustd: boolean
  /** Registering Mach services under names that Chromium uses between its own processes. */
  readonly chromiumMach: boolean
  /** The graphics processor. */
  readonly gpu: boolean
}

/** Apart from `preferences`, so that no key is written twice: a bundler that joins the objects below would warn of one. */
const nothingElse = {
  automation: 'none',
  launchServices: false,
  accessibility: false,
  calendar: false,
  reminders: false,
  contacts: 'none',
  trustd: false,
  chromiumMach: false,
  gpu: false,
} as const satisfies Omit<MacosGrants, 'preferences'>

export const noGrants: MacosGrants = { preferences: 'none', ...nothingElse }

/** Without a profile of grants. */
export const legacyGrants: MacosGrants = { preferences: 'read_only', ...nothingElse }

/** Each member with every name that it may have on input. The first is the one that errors use. */
const memberNames = {
  preferences: ['macos_preferences', 'preferences'],
  automation: ['macos_automation', 'automations', 'automation'],
  launchServices: ['macos_launch_services', 'launch_services', 'launchServices'],
  accessibility: ['macos_accessibility', 'accessibility'],
  calendar: ['macos_calendar', 'calendar'],
  reminders: ['macos_reminders', 'reminders'],
  contacts: ['macos_contacts', 'contacts'],
  trustd: ['macos_trustd', 'trustd'],
  chromiumMach: ['macos_chromium_mach', 'chromium_mach', 'chromiumMach'],
  gpu: ['macos_gpu', 'gpu'],
} as const satisfies Record<keyof MacosGrants, readonly string[]>

/**
 * Reads grants as a caller passes them: `null` and `undefined` are no profile at all. Bundle ids that cannot be ones are left
 * out. Throws OptionError (`ERR_INVALID_OPTION`) naming the member, for an unknown member or value.
 */
export function parseMacosGrants(input: unknown): MacosGrants {
  if (input === undefined || input === null) return legacyGrants
  if (typeof input !== 'object' || Array.isArray(input)) {
    throw new OptionError('macos', 'the macOS grants must be an object')
  }
  const known = new Set<string>(Object.values(memberNames).flat())
  const stranger = Object.keys(input).find(name => !known.has(name))
  if (stranger !== undefined) {
    const accepted = Object.values(memberNames).map(([name]) => name)
    throw new OptionError(stranger, `there is no macOS grant ${JSON.stringify(stranger)}; use ${accepted.join(', ')}`)
  }
  const given = (member: keyof MacosGrants) => memberOf(input as Readonly<Record<string, unknown>>, memberNames[member])
  return Object.freeze({
    preferences: level(given('preferences')),
    automation: automation(given('automation')),
    launchServices: flag(given('launchServices')),
    accessibility: flag(given('accessibility')),
    calendar: flag(given('calendar')),
    reminders: flag(given('reminders')),
    contacts: level(given('contacts')),
    trustd: flag(given('trustd')),
    chromiumMach: flag(given('chromiumMach')),
    gpu: flag(given('gpu')),
  })
}

interface Member {
  /** As the caller spelled it. */
  readonly name: string
  readonly value: unknown
}

function memberOf(input: Readonly<Record<string, unknown>>, names: readonly [string, ...string[]]): Member {
  const present = names.filter(name => Object.hasOwn(input, name))
  if (present.length > 1) {
    throw new OptionError(present[1]!, `found both ${present[0]} and ${present[1]}; use one of them`)
  }
  const name = present[0] ?? names[0]
  return { name, value: input[name] ?? undefined }
}

function refused({ name, value }: Member, accepted: string): never {
  throw new OptionError(name, `${name} is ${JSON.stringify(value)}; accepted is ${accepted}`)
}

const levels: Readonly<Record<string, GrantLevel>> = {
  none: 'none',
  readonly: 'read_only',
  read_only: 'read_only',
  readwrite: 'read_write',
  read_write: 'read_write',
}

function level(member: Member): GrantLevel {
  const { value } = member
  if (value === undefined) return 'none'
  const found = typeof value === 'string' && Object.hasOwn(levels, value) ? levels[value] : undefined
  return found ?? refused(member, 'none, read_only, read_write')
}

function flag(member: Member): boolean {
  const { value } = member
  if (value === undefined) return false
  return typeof value === 'boolean' ? value : refused(member, 'true or false')
}

function automation(member: Member): MacosGrants['automation'] {
  const { value } = member
  if (value === undefined || value === false) return 'none'
  if (value === true) return 'all'
  if (typeof value === 'string') {
    const word = trimBlanks(value).toLowerCase()
    return word === 'all' || word === 'none' ? word : refused(member, automationForms)
  }
  if (Array.isArray(value)) return bundleIds(member, value)
  if (typeof value === 'object' && value !== null && 'bundle_ids' in value && Array.isArray(value.bundle_ids)) {
    return bundleIds(member, value.bundle_ids)
  }
  return refused(member, automationForms)
}

const automationForms = 'true, false, "all", "none", or a list of bundle ids'

function bundleIds(member: Member, list: readonly unknown[]): MacosGrants['automation'] {
  if (!list.every(item => typeof item === 'string')) return refused(member, automationForms)
  const ids = list.map(trimBlanks).filter(isBundleId)
  return ids.length === 0 ? 'none' : Object.freeze([...new Set(ids)].sort(compareBytes))
}

/** Letters, digits, dots, underscores and hyphens, with at least one dot: nothing that could mean something in a profile. */
export function isBundleId(text: string): boolean {
  return text.length >= 3 && text.includes('.') && /^[A-Za-z0-9._-]+$/.test(text)
}
