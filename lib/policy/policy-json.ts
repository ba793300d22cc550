/**
 * A policy as a JSON text that a person wrote: every error names its line and column, and a member that is there twice is refused,
 * because one of the two would be passed over without a word.
 */
import { PolicyError } from '../errors.ts'
import { type JsonPath, visitJson } from './json-text.ts'
import { guarded, type ParseOptions } from './parse.ts'
import type { Policy } from './policy.ts'
import { locationOf, show } from './refusal.ts'
import { parseSandboxPolicy } from './sandbox-policy.ts'
import { describePlace, type TextPlace, textPlace } from './text-place.ts'

const DOCUMENT = 'policy'

export interface PolicyFromJson {
  readonly policy: Policy
  /** The text as a value, as `createSandbox` takes it. */
  readonly json: unknown
}

function refuse(text: string, offset: number | null, problem: string, location?: string): PolicyError {
  if (offset === null) return new PolicyError('ERR_POLICY_INVALID', `cannot read ${DOCUMENT}: ${problem}`)
  const place = textPlace(text, offset)
  const where = describePlace(place)
  const details = { location: location ?? where, place }
  return new PolicyError('ERR_POLICY_INVALID', `cannot read ${DOCUMENT} at ${where}: ${problem}`, details)
}

function refuseRepeats(text: string): void {
  visitJson(text, (path, _depth, key, repeated) => {
    if (!repeated) return
    const location = locationOf(path())
    throw refuse(text, key, `the member ${show(path().at(-1))} is there twice`, location)
  })
}

/** `entries[3].path` as names and indexes. */
function pathOf(location: string): JsonPath {
  return [...location.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map(([name, index]) =>
    index === undefined ? name : Number(index),
  )
}

/** Where the member stands, or the nearest one around it that the text has. */
function placeOf(text: string, wanted: JsonPath): TextPlace | null {
  let best: { readonly depth: number; readonly key: number } | null = null
  visitJson(text, (path, depth, key) => {
    if (depth > wanted.length || depth <= (best?.depth ?? 0)) return
    if (path().every((part, index) => part === wanted[index])) best = { depth, key }
  })
  const found = best as { readonly key: number } | null
  return found === null ? null : textPlace(text, found.key)
}

/**
 * The value of a JSON text without repeated members.
 *
 * @throws {PolicyError} ERR_POLICY_INVALID with `place`: line and column
 */
export function readPolicyJson(text: unknown): unknown {
  return guarded(DOCUMENT, () => {
    if (typeof text !== 'string') throw refuse('', null, `found ${show(text)}, accepted is a JSON text`)
    try {
      const json: unknown = JSON.parse(text)
      refuseRepeats(text)
      return json
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      // Its message quotes the text, which may hold more than a policy.
      throw refuse(
        text,
        visitJson(text, () => {}),
        'it is not JSON',
      )
    }
  })
}

/** Runs a reader of the text's value; what it refuses gets the place in the text. */
export function withJsonPlaces<Value>(text: string, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof PolicyError) || error.place !== undefined || error.location === '') throw error
    const place = placeOf(text, pathOf(error.location))
    if (place === null) throw error
    const { code, message, location, entry, mechanism } = error
    const details = { location, place, cause: error.cause }
    throw new PolicyError(code as 'ERR_POLICY_INVALID', message, {
      ...details,
      ...(entry === undefined ? {} : { entry }),
      ...(mechanism === undefined ? {} : { mechanism }),
    })
  }
}

/**
 * Reads a policy from a JSON text: whatever `parseSandboxPolicy` reads as a value. Members that do not exist are refused, and so are
 * members that are there twice.
 *
 * @throws {PolicyError} ERR_POLICY_INVALID; `location` is the member, `place` its line and column in the text
 */
export function parsePolicyJson(text: string, options: ParseOptions = {}): PolicyFromJson {
  const json = readPolicyJson(text)
  return { json, policy: withJsonPlaces(text, () => parseSandboxPolicy(json, options)) }
}
