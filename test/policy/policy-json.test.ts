/** Policies as JSON texts: places in errors, and members that are there twice. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PolicyError } from '../../lib/errors.ts'
import { type JsonPath, visitJson } from '../../lib/policy/json-text.ts'
import { parsePolicyJson, readPolicyJson } from '../../lib/policy/policy-json.ts'
import { parseSandboxPolicy } from '../../lib/policy/sandbox-policy.ts'

function errorOf(text: unknown): PolicyError {
  try {
    parsePolicyJson(text as string)
  } catch (error) {
    if (error instanceof PolicyError) return error
    throw error
  }
  throw new Error(`${text} is right`)
}

const at = (text: unknown) => {
  const { place, location, code } = errorOf(text)
  expect(code).toBe('ERR_POLICY_INVALID')
  return `${place === undefined ? 'nowhere' : `${place.line}:${place.column}`} ${location}`
}

const policy = `{
  "kind": "restricted",
  "entries": [
    { "access": "read", "path": { "type": "special", "value": { "kind": "root" } } },
    { "path": { "type": "path", "path": "/a" }, "access": "write" }
  ]
}`

describe('a policy as a JSON text', () => {
  it('is what its value is', () => {
    expect(parsePolicyJson(policy).policy).toEqual(parseSandboxPolicy(JSON.parse(policy)))
    expect(parsePolicyJson('"read-only"')).toMatchObject({ json: 'read-only', policy: { form: 'legacy' } })
  })

  it.each([
    ['a wrong word', policy.replace('"write"', '"wriet"'), '5:49 entries[1].access'],
    ['a misspelt member', policy.replace('"entries"', '"entrys"'), '3:3 entrys'],
    ['a relative path', policy.replace('"/a"', '"a"'), '5:33 entries[1].path.path'],
    ['a wrong kind', policy.replace('"root"', '"rot"'), '4:65 entries[0].path.value.kind'],
    ['a member that is missing', policy.replace(', "access": "write"', ''), '5:5 entries[1].access'],
    ['a wrong item', '{"type":"workspace-write","writable_roots":["/a",\r\n\t7]}', '2:2 writable_roots[1]'],
    ['a pair', '{"fileSystem":{"kind":"restricted"},\r"network":"open"}', '2:1 network'],
    ['the document itself', '[]', 'nowhere '],
  ])('tells the line and column of %s', (_what, text, expected) => {
    expect(at(text)).toBe(expected)
  })

  it.each([
    ['a member', policy.replace('"kind": "restricted"', '"kind": "restricted", "kind": "unrestricted"'), '2:25 kind'],
    ['a member of an entry', policy.replace('"write"', '"none", "access": "write"'), '5:67 entries[1].access'],
    ['one that is escaped', '{"type":"read-only",\n"\\u0074ype":"danger-full-access"}', '2:1 type'],
    ['one of a prototype', '{"__proto__":{},"__proto__":{}}', '1:17 __proto__'],
  ])('refuses %s that is there twice', (_what, text, expected) => {
    expect(() => JSON.parse(text)).not.toThrow()
    expect(at(text)).toBe(expected)
    expect(errorOf(text).message).toMatch(/is there twice$/)
  })

  it.each([
    ['', '1:1'],
    ['{', '1:2'],
    ['{"kind" "restricted"}', '1:9'],
    ['{"kind":\n  restricted}', '2:3'],
    ['["a",]', '1:6'],
    ['"a\nb"', '1:3'],
    ['"\\x"', '1:2'],
    ['{"a":01}', '1:7'],
    ['{} x', '1:4'],
    ['\ufeff{}', '1:1'],
    ["{'a':1}", '1:2'],
  ])('that is no JSON ends where it stops being some: %j', (text, place) => {
    expect(at(text)).toBe(`${place} line ${place.replace(':', ', column ')}`)
  })

  it('never quotes the text', () => {
    for (const text of ['secret {', '{"a": secret}', '{"secret":1,"secret" 2}']) {
      expect(errorOf(text).message).not.toContain('secret {')
      expect(String(errorOf(text).cause)).not.toContain('secret')
    }
  })

  it('throws nothing but the typed error for whatever comes in', () => {
    const piece = fc.constantFrom(...'{}[]":,\\ \n', 'kind', '"kind":', '"a"', '1', 'null', '\ud800', '__proto__', '\0')
    const texts = fc.oneof(
      fc.array(piece, { maxLength: 20 }).map(parts => parts.join('')),
      fc.json(),
      fc.string(),
    )
    fc.assert(
      fc.property(texts, text => {
        try {
          parsePolicyJson(text)
        } catch (error) {
          expect(error).toBeInstanceOf(PolicyError)
        }
      }),
      { numRuns: 1000 },
    )
    for (const input of [undefined, 7, {}, Symbol('x')]) expect(() => readPolicyJson(input)).toThrow(PolicyError)
    const deep = 200_000
    expect(() => parsePolicyJson('['.repeat(deep) + ']'.repeat(deep))).toThrow(PolicyError)
    expect(() => parsePolicyJson(`${'{"entries":'.repeat(deep)}1${'}'.repeat(deep)}`)).toThrow(PolicyError)
    expect(() => parsePolicyJson('['.repeat(deep))).toThrow(PolicyError)
  })
})

describe('the walk through a JSON text', () => {
  it('takes for JSON what JSON.parse takes, and stops within anything else', () => {
    const piece = fc.constantFrom(...'{}[]":,-.0e+\\ \t', '1', 'true', 'nul', '"a"', '"\\u00e9"', '"\\u12"')
    const texts = fc.oneof(
      fc.array(piece, { maxLength: 8 }).map(parts => parts.join('')),
      fc.json(),
    )
    fc.assert(
      fc.property(texts, text => {
        let isJson = true
        try {
          JSON.parse(text)
        } catch {
          isJson = false
        }
        const stopped = visitJson(text, () => {})
        expect(stopped === null, text).toBe(isJson)
        if (stopped !== null) expect(stopped).toBeLessThanOrEqual(text.length)
      }),
      { numRuns: 3000 },
    )
  })

  it('visits every member and item once, by the way to it', () => {
    const value = fc.jsonValue({ maxDepth: 4 })
    const ways = (item: unknown, path: JsonPath = []): JsonPath[] => {
      if (typeof item !== 'object' || item === null) return []
      const members: [string | number, unknown][] = Array.isArray(item) ? [...item.entries()] : Object.entries(item)
      return members.flatMap(([name, member]) => [[...path, name], ...ways(member, [...path, name])])
    }
    fc.assert(
      fc.property(value, item => {
        // Names in the order in which objects list them, so that the texts agree.
        const text = JSON.stringify(item, null, 1)
        const read: unknown = JSON.parse(text)
        const visited: JsonPath[] = []
        visitJson(text, path => visited.push(path()))
        const key = (path: JsonPath) => JSON.stringify(path)
        expect(new Set(visited.map(key))).toEqual(new Set(ways(read).map(key)))
        expect(visited).toHaveLength(ways(read).length)
      }),
    )
  })
})
