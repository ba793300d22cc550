/**
 * Turns what a schema found into the one error a policy parser throws: where it is, what was found, what is accepted.
 */
import type { z } from 'zod'
import { PolicyError } from '../errors.ts'
import { closestWord } from './spelling.ts'

type Place = readonly PropertyKey[]

/** `entries[3].path.value.kind`; empty for the document itself. */
export function locationOf(place: Place): string {
  let location = ''
  for (const part of place) {
    if (typeof part === 'number') location += `[${part}]`
    else location += location === '' ? String(part) : `.${String(part)}`
  }
  return location
}

/** A value as a message shows it: short, and never more than its kind when it is not a plain word, number or text. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return `a ${typeof value}`
}

/** The error for a place in the document. `document` says what is being read: "file-system policy". */
export function refusal(document: string, location: string, problem: string, cause?: unknown): PolicyError {
  const where = location === '' ? document : `${document} at ${location}`
  const details = cause === undefined ? { location } : { location, cause }
  return new PolicyError('ERR_POLICY_INVALID', `cannot read ${where}: ${problem}`, details)
}

/** Runs a reader for the value of `member`, so that the place in its errors starts at the document that holds it. */
export function within<Value>(member: string, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    const joint = error.location === '' || error.location.startsWith('[') ? '' : '.'
    const location = `${member}${joint}${error.location}`
    throw new PolicyError('ERR_POLICY_INVALID', error.message, { location, cause: error.cause })
  }
}

/** `; did you mean "read-only"?`, or nothing. */
export function suggestion(found: unknown, accepted: readonly string[]): string {
  if (typeof found !== 'string') return ''
  const closest = closestWord(found, accepted)
  // A word that is accepted elsewhere only is no mistake of spelling.
  return closest === null || closest === found ? '' : `; did you mean "${closest}"?`
}

function wordsOf(values: readonly unknown[]): string[] {
  return values.map(value => String(value))
}

function oneOf(found: unknown, values: readonly unknown[]): string {
  const words = wordsOf(values)
  return `found ${show(found)}, accepted is ${words.join(', ')}${suggestion(found, words)}`
}

const ARTICLES: Readonly<Record<string, string>> = { array: 'a list', object: 'an object' }

function valueAt(input: unknown, place: Place): unknown {
  let value = input
  for (const part of place) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<PropertyKey, unknown>)[part]
  }
  return value
}

// A member that was given under another name is only known to its own issue; of a tag that is missing, the issue knows the
// object around it.
function foundBy(issue: z.core.$ZodIssue, input: unknown): unknown {
  const found = valueAt(input, issue.path)
  return found === undefined && !('discriminator' in issue) ? issue.input : found
}

function problemOf(issue: z.core.$ZodIssue, found: unknown, members: readonly string[]): string {
  switch (issue.code) {
    case 'invalid_type':
      return `found ${show(found)}, accepted is ${ARTICLES[issue.expected] ?? `a ${issue.expected}`}`
    case 'invalid_value':
      return oneOf(found, issue.values)
    case 'invalid_union': {
      // Only unions with a tag know what they accept; the others say it in their message.
      const { options } = issue as { readonly options?: readonly unknown[] }
      return options === undefined ? `found ${show(found)}, ${issue.message}` : oneOf(found, options)
    }
    case 'unrecognized_keys': {
      const key = issue.keys[0] ?? ''
      return `there is no member ${show(key)}${suggestion(key, members)}`
    }
    default:
      return issue.message
  }
}

/** The first thing that a schema found wrong in `input`, and where. `members`: the member names that exist. */
export function problemIn(
  input: unknown,
  error: z.core.$ZodError,
  members: readonly string[],
): { readonly place: Place; readonly problem: string } {
  const issue = error.issues[0]
  if (issue === undefined) return { place: [], problem: 'it is malformed' }
  const place = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path
  return { place, problem: problemOf(issue, foundBy(issue, input), members) }
}

/** The error for the first thing a schema found wrong in `input`. `members`: the member names that exist. */
export function refusalOf(
  document: string,
  input: unknown,
  error: z.core.$ZodError,
  members: readonly string[],
): PolicyError {
  const { place, problem } = problemIn(input, error, members)
  return refusal(document, locationOf(place), problem)
}
