/**
 * zod, loaded with the first schema that is made. Loading it takes longer than the rest of the library, and a program that
 * imports the library may never read a policy. So no schema is made when a file is loaded: `lazily` makes it when it is asked for.
 */
import { createRequire } from 'node:module'
import type { z as Zod } from 'zod'

let loaded: typeof Zod | undefined

/** By `require`, since policies are read by functions that do not wait. */
function load(): typeof Zod {
  loaded ??= (createRequire(import.meta.url)('zod') as { readonly z: typeof Zod }).z
  return loaded
}

/** What zod exports, each member looked up when it is used. */
export const z: typeof Zod = new Proxy({} as typeof Zod, { get: (_, name) => Reflect.get(load(), name) })

/** Gives what `make` makes, made once and not before it is asked for. */
export function lazily<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
