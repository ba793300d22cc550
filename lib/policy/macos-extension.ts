/**
 * The macOS extension of a permission profile (spec WIRE-10, WIRE-11) and how two of them are put together (MAC-1 … MAC-5).
 * Rendering is the plan's business.
 */
import type { z as Zod } from 'zod'
import { lazily, z } from '../schema.ts'
import { trimBlanks } from './blanks.ts'
import { compareBytes } from './byte-order.ts'

export type MacosLevel = 'none' | 'read_only' | 'read_write'

export type MacosAutomation = 'none' | 'all' | { readonly bundle_ids: readonly string[] }

export interface MacosExtension {
  /** `read_only` unless the input says otherwise. */
  readonly macos_preferences: MacosLevel
  readonly macos_automation: MacosAutomation
  readonly macos_launch_services: boolean
  readonly macos_accessibility: boolean
  readonly macos_calendar: boolean
  readonly macos_reminders: boolean
  readonly macos_contacts: MacosLevel
}

const LEVELS: readonly MacosLevel[] = ['none', 'read_only', 'read_write']

/** Each member and its short name on input. */
const ALIASES = {
  macos_preferences: 'preferences',
  macos_automation: 'automations',
  macos_launch_services: 'launch_services',
  macos_accessibility: 'accessibility',
  macos_calendar: 'calendar',
  macos_reminders: 'reminders',
  macos_contacts: 'contacts',
} as const

function automationOfIds(ids: readonly string[]): MacosAutomation {
  const named = ids.map(trimBlanks).filter(id => id !== '')
  return named.length === 0 ? 'none' : { bundle_ids: named }
}

const ACCEPTED = 'accepted is all, none, or a list of bundle ids'

const automation = lazily(() => {
  const word = z
    .string()
    .transform(text => trimBlanks(text).toLowerCase())
    .pipe(z.enum(['all', 'none']))
  const ids = z.array(z.string())
  return z.union(
    [
      word,
      ids.transform(automationOfIds),
      z.object({ bundle_ids: ids }).transform(({ bundle_ids }) => automationOfIds(bundle_ids)),
    ],
    ACCEPTED,
  )
})

const level = lazily((): Zod.ZodType<MacosLevel> => z.enum(LEVELS))

/** The words of the README beside those of the code, and a boolean for all or nothing. */
function anyLevel(): Zod.ZodType<MacosLevel> {
  return z.union(
    [
      level(),
      z.enum(['readonly', 'readwrite']).transform(word => (word === 'readonly' ? 'read_only' : 'read_write')),
      z.boolean().transform(whole => (whole ? 'read_write' : 'none')),
    ],
    'accepted is none, read_only, read_write',
  )
}

function anyAutomation() {
  return z.union([automation(), z.boolean().transform(all => (all ? 'all' : 'none'))], ACCEPTED)
}

function membersOf(levels: Zod.ZodType<MacosLevel>, automations: Zod.ZodType<MacosAutomation>) {
  const flag = z.boolean().default(false)
  return z.object({
    macos_preferences: levels.default('read_only'),
    macos_automation: automations.default('none'),
    macos_launch_services: flag,
    macos_accessibility: flag,
    macos_calendar: flag,
    macos_reminders: flag,
    macos_contacts: levels.default('none'),
  })
}

// A member under both of its names is there twice, which is refused as any repeat is.
const longNames = lazily(() =>
  z.looseObject({}).transform((input, context) => {
    const renamed: Record<string, unknown> = {}
    for (const [name, alias] of Object.entries(ALIASES)) {
      if (Object.hasOwn(input, name) && Object.hasOwn(input, alias)) {
        context.addIssue({ code: 'custom', message: `found both ${name} and ${alias}`, path: [alias] })
      } else if (Object.hasOwn(input, name)) renamed[name] = input[name]
      else if (Object.hasOwn(input, alias)) renamed[name] = input[alias]
    }
    return renamed
  }),
)

/**
 * WIRE-10. Reads the extension with every default filled in; its output is its own printed form. README and code of March differ in
 * their words: both are read, unless that version's own reading is asked for.
 */
export const macosExtension = lazily(
  (): Zod.ZodType<MacosExtension> => longNames().pipe(membersOf(anyLevel(), anyAutomation())),
)

/** The words of March's code alone. */
export const exactMacosExtension = lazily(
  (): Zod.ZodType<MacosExtension> => longNames().pipe(membersOf(level(), automation())),
)

function higher(left: MacosLevel, right: MacosLevel): MacosLevel {
  return LEVELS.indexOf(left) > LEVELS.indexOf(right) ? left : right
}

function lower(left: MacosLevel, right: MacosLevel): MacosLevel {
  return LEVELS.indexOf(left) < LEVELS.indexOf(right) ? left : right
}

/** MAC-3. */
function mergeAutomation(left: MacosAutomation, right: MacosAutomation): MacosAutomation {
  if (left === 'all' || right === 'all') return 'all'
  if (left === 'none') return right
  if (right === 'none') return left
  return { bundle_ids: [...new Set([...left.bundle_ids, ...right.bundle_ids])].sort(compareBytes) }
}

/** MAC-5. */
function intersectAutomation(requested: MacosAutomation, granted: MacosAutomation): MacosAutomation {
  if (requested === 'none' || granted === 'none') return 'none'
  if (requested === 'all') return granted
  if (granted === 'all') return requested
  const both = new Set(granted.bundle_ids)
  return automationOfIds(requested.bundle_ids.filter(id => both.has(id)))
}

/** MAC-1 … MAC-3: what either side gives. */
export function mergeMacos(base: MacosExtension | null, added: MacosExtension | null): MacosExtension | null {
  if (base === null || added === null) return base ?? added
  return {
    macos_preferences: higher(base.macos_preferences, added.macos_preferences),
    macos_automation: mergeAutomation(base.macos_automation, added.macos_automation),
    macos_launch_services: base.macos_launch_services || added.macos_launch_services,
    macos_accessibility: base.macos_accessibility || added.macos_accessibility,
    macos_calendar: base.macos_calendar || added.macos_calendar,
    macos_reminders: base.macos_reminders || added.macos_reminders,
    macos_contacts: higher(base.macos_contacts, added.macos_contacts),
  }
}

/** MAC-4, MAC-5: what was asked for and granted; nothing unless both sides are there. */
export function intersectMacos(
  requested: MacosExtension | null,
  granted: MacosExtension | null,
): MacosExtension | null {
  if (requested === null || granted === null) return null
  return {
    macos_preferences: lower(requested.macos_preferences, granted.macos_preferences),
    macos_automation: intersectAutomation(requested.macos_automation, granted.macos_automation),
    macos_launch_services: requested.macos_launch_services && granted.macos_launch_services,
    macos_accessibility: requested.macos_accessibility && granted.macos_accessibility,
    macos_calendar: requested.macos_calendar && granted.macos_calendar,
    macos_reminders: requested.macos_reminders && granted.macos_reminders,
    macos_contacts: lower(requested.macos_contacts, granted.macos_contacts),
  }
}
