/**
 * The JSON Schema (draft 2020-12) of the policies that `parseSandboxPolicy` reads, for editors and other programs. Made from the
 * schemas that read them; what those cannot say in this language (absolute paths, no NUL) is added here.
 */
import type { z as Zod } from 'zod'
import { z } from '../schema.ts'
import type { JsonObject } from './print.ts'
import { profileSchema } from './runtime-profile.ts'
import { PRESETS } from './sandbox-policy.ts'
import { networkWord, wireSchemas } from './wire.ts'

/** A path without a base (WIRE-5), and any other text. */
const ABSOLUTE = '^/[^\\u0000]*$'
const TEXT = '^[^\\u0000]*$'

type Schema = { [member: string]: unknown }

/** The members whose texts are paths of their own; `path` is one only beside the type `path`. */
const PATH_LISTS = ['writable_roots', 'readable_roots']

function isPathForm(properties: { readonly [name: string]: Schema | undefined }): boolean {
  return properties['type']?.['const'] === 'path'
}

/** Says of every text which texts it can be. */
function refine(node: unknown, pattern: string = TEXT): unknown {
  if (Array.isArray(node)) return node.map(item => refine(item, pattern))
  if (typeof node !== 'object' || node === null) return node
  const schema = node as Schema
  const refined: Schema = {}
  for (const [name, value] of Object.entries(schema)) {
    if (name === 'enum' || name === 'const' || name === 'default' || name === 'required') refined[name] = value
    else if (name !== 'properties') refined[name] = refine(value, pattern)
    else {
      const properties = value as { readonly [name: string]: Schema | undefined }
      const absolute = (member: string) =>
        PATH_LISTS.includes(member) || (member === 'path' && isPathForm(properties)) ? ABSOLUTE : TEXT
      refined[name] = Object.fromEntries(
        Object.entries(properties).map(([member, property]) => [member, refine(property, absolute(member))]),
      )
    }
  }
  if (refined['type'] === 'string' && !('enum' in refined) && !('const' in refined)) refined['pattern'] ??= pattern
  return refined
}

function schemaOf(schema: Zod.ZodType): Schema {
  return z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // The length of a list is asked before its items are looked at, by a step of its own that has no form here.
      const { def } = zodSchema._zod
      if (def.type !== 'pipe') return
      const list = (def as unknown as { readonly out: Zod.ZodType }).out
      for (const member of Object.keys(jsonSchema)) delete (jsonSchema as Schema)[member]
      const { $schema: _, ...items } = schemaOf(list)
      Object.assign(jsonSchema, items)
    },
  }) as Schema
}

function without(schema: Schema): Schema {
  const { $schema: _, ...rest } = schema
  return rest
}

function object(properties: Schema, required: readonly string[]): Schema {
  return { type: 'object', properties, required, additionalProperties: false }
}

/**
 * What `parseSandboxPolicy` accepts without options, as a JSON Schema. Pairs of file-system policy and network, presets by
 * name and the results of earlier readings are part of it.
 */
export function policyJsonSchema(): JsonObject {
  const wire = wireSchemas('refuse', undefined)
  const [legacy, fileSystem, network, profile] = [wire.legacy, wire.fileSystem, networkWord(), profileSchema()].map(
    schema => without(schemaOf(schema as Zod.ZodType)),
  )
  const ref = (name: string) => ({ $ref: `#/$defs/${name}` })
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'castellan policy',
    anyOf: [
      { enum: [...PRESETS] },
      ref('legacy'),
      ref('fileSystem'),
      ref('profile'),
      object({ fileSystem: ref('fileSystem'), network: ref('network') }, ['fileSystem']),
      object({ file_system: ref('fileSystem'), network: ref('network') }, ['file_system']),
      object({ form: { const: 'legacy' }, legacy: ref('legacy') }, ['form', 'legacy']),
      object({ form: { const: 'split' }, fileSystem: ref('fileSystem'), network: ref('network') }, [
        'form',
        'fileSystem',
      ]),
    ],
    $defs: refine({ legacy, fileSystem, network, profile }),
  } as JsonObject
}
