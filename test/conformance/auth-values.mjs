/** The value language of the auth cases: what stands for a token, a time or a fixture, and what an answer must match. */
import { isDeepStrictEqual } from 'node:util'

const isObject = value => typeof value === 'object' && value !== null && !Array.isArray(value)

export function jwt(payload) {
  const part = text => Buffer.from(text).toString('base64url')
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
  return `${part('{"alg":"none","typ":"JWT"}')}.${part(text)}.c2ln`
}

/** Makes the plain value: fixtures are copied, times count from `startMs`. Matchers pass through. */
export function resolve(value, fixtures, startMs) {
  const again = inner => resolve(inner, fixtures, startMs)
  if (Array.isArray(value)) return value.map(again)
  if (!isObject(value)) return value
  if ('$iso' in value) return new Date(startMs + value.$iso * 1000).toISOString()
  if ('$epoch' in value) return Math.floor(startMs / 1000) + value.$epoch
  if ('$jwt' in value) return jwt(again(value.$jwt))
  if ('$repeat' in value) return value.$repeat[0].repeat(value.$repeat[1])
  if ('$fix' in value) return again(changedFixture(value, fixtures))
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, again(inner)]))
}

function changedFixture({ $fix, $set = {}, $unset = [] }, fixtures) {
  const copy = structuredClone(fixtures[$fix])
  for (const [path, value] of Object.entries($set)) {
    const { parent, key } = locate(copy, path)
    parent[key] = value
  }
  for (const path of $unset) {
    const { parent, key } = locate(copy, path)
    delete parent[key]
  }
  return copy
}

function locate(document, path) {
  const keys = path.split('/')
  const key = keys.pop()
  const parent = keys.reduce((inner, name) => inner[name], document)
  return { parent, key }
}

/** The text of an `authJson`. */
export function fileText(value, fixtures, startMs) {
  if (isObject(value) && '$raw' in value) return value.$raw
  return JSON.stringify(resolve(value, fixtures, startMs), null, 2)
}

/** True when `got` is what `expected` (already resolved) asks for: objects as subsets, everything else exactly. */
export function matches(got, expected) {
  if (Array.isArray(expected)) {
    return (
      Array.isArray(got) && got.length === expected.length && expected.every((one, index) => matches(got[index], one))
    )
  }
  if (!isObject(expected)) return isDeepStrictEqual(got, expected)
  if (Object.keys(expected).some(key => key.startsWith('$'))) return matchesAll(got, expected)
  return isObject(got) && Object.entries(expected).every(([key, inner]) => matches(got[key], inner))
}

function matchesAll(got, matchers) {
  return Object.entries(matchers).every(([name, parameter]) => {
    switch (name) {
      case '$any':
        return got !== undefined
      case '$absent':
        return got === undefined
      case '$oneOf':
        return parameter.some(one => matches(got, one))
      case '$min':
        return got >= parameter
      case '$max':
        return got <= parameter
      case '$includes':
        return typeof got === 'string' && got.includes(parameter)
      case '$not':
        return !matches(got, parameter)
      case '$len':
        return got?.length === parameter
      default:
        throw new Error(`unknown matcher ${name}`)
    }
  })
}
