/** The JSON Schema accepts what the parser accepts, and refuses what it refuses. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

import { policyJsonSchema } from '../../lib/policy/json-schema.ts'
import { parseSandboxPolicy } from '../../lib/policy/sandbox-policy.ts'

const schema = policyJsonSchema()
const validator = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])

const accepts = (value: unknown) => validator.safeParse(value).success

function parses(value: unknown): boolean {
  try {
    parseSandboxPolicy(value)
    return true
  } catch {
    return false
  }
}

/** Every JSON value in the conformance cases that was meant as a policy, replaced paths included. */
const cases = JSON.parse(
  readFileSync(new URL('../conformance/cases/policy.json', import.meta.url), 'utf8').replaceAll(/\$\{ROOT\}/g, '/root'),
) as { cases: { fs?: unknown; legacy?: unknown; ask: { q: string; type?: string; json?: unknown }[] }[] }
const written = cases.cases.flatMap(({ fs, legacy, ask }) => [
  ...[fs, legacy].filter(value => value !== undefined),
  ...ask.filter(({ q, type }) => q === 'parse' && (type === 'fs' || type === 'legacy')).map(({ json }) => json),
])

describe('the JSON Schema of policies', () => {
  it('is plain JSON', () => {
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema)
  })

  it('agrees with the parser on every policy of the conformance cases', () => {
    expect(written.length).toBeGreaterThan(200)
    const differing = written.filter(value => accepts(value) !== parses(value))
    expect(differing).toEqual([])
    expect(written.filter(parses).length).toBeGreaterThan(150)
    expect(written.filter(value => !parses(value)).length).toBeGreaterThan(20)
  })

  it('agrees with the parser on presets, pairs and mistakes', () => {
    const entries = [{ path: { type: 'path', path: '/a' }, access: 'deny' }]
    const fileSystem = { kind: 'restricted', entries }
    const values = [
      ...['read-only', 'workspace-write', 'strict', 'full-access', 'danger-full-access', 'readonly', ''],
      ...[null, 1, [], {}, { fileSystem }, { file_system: fileSystem, network: 'enabled' }],
      ...[
        { fileSystem, file_system: fileSystem },
        { fileSystem, network: 'open' },
        { fileSystem, other: 1 },
      ],
      ...[{ form: 'split', fileSystem }, { form: 'legacy', legacy: { type: 'read-only' } }, { form: 'other' }],
      ...[{ type: 'disabled' }, { type: 'external', network: 'enabled' }, { type: 'managed', network: 'enabled' }],
      { ...fileSystem, glob_scan_max_depth: -1 },
      { kind: 'restricted', entries: [{ path: { type: 'path', path: 'a' }, access: 'read' }] },
      { kind: 'restricted', entries: [{ path: { type: 'path', path: '/a\0' }, access: 'read' }] },
      { kind: 'restricted', entries: [{ path: { type: 'glob_pattern', pattern: '*' }, access: 'none' }] },
      { type: 'workspace-write', writable_roots: ['a'] },
      { type: 'workspace-write', writable_roots: null },
      { type: 'workspace-write', writeable_roots: [] },
    ]
    expect(values.filter(value => accepts(value) !== parses(value))).toEqual([])
  })

  it('agrees with the parser on policies with anything in the place of anything', () => {
    const value = fc.constantFrom<unknown>(null, 0, '', '/x', 'read', 'none', 'restricted', 'path', true, [], {})
    fc.assert(
      fc.property(fc.constantFrom(...written), fc.nat(), value, (policy, at, replacement) => {
        const copy = structuredClone(policy)
        const slots: [Record<string, unknown>, string][] = []
        const walk = (node: unknown) => {
          if (typeof node !== 'object' || node === null) return
          for (const name of Object.keys(node)) {
            slots.push([node as Record<string, unknown>, name])
            walk((node as Record<string, unknown>)[name])
          }
        }
        walk(copy)
        const slot = slots[at % Math.max(1, slots.length)]
        if (slot !== undefined) slot[0][slot[1]] = replacement
        expect({ copy, accepted: accepts(copy) }).toEqual({ copy, accepted: parses(copy) })
      }),
      { numRuns: 300 },
    )
  })
})
