import type { IRawProperty } from 'fast-check'

export function lawsOf(library: object): readonly (readonly [name: string, property: IRawProperty<unknown>])[]
export function brokenLaws(
  library: object,
  options?: { readonly runs?: number; readonly seed?: number },
): { readonly name: string; readonly counterexample: unknown; readonly error: unknown }[]
