/** What the tests of this folder share: the repository's own files, read as they are. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

export const inRoot = (...parts: readonly string[]) => path.join(root, ...parts)

export const text = (...parts: readonly string[]) => readFileSync(inRoot(...parts), 'utf8')

export interface Manifest {
  readonly name: string
  readonly gypfile?: boolean
  readonly engines: Readonly<Record<string, string>>
  readonly scripts: Readonly<Record<string, string>>
  readonly exports: Readonly<
    Record<string, string | { readonly types: string; readonly module: string; readonly default: string }>
  >
  readonly bin: Readonly<Record<string, string>>
  readonly files: readonly string[]
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
}

export const manifest = JSON.parse(text('package.json')) as Manifest

/** These tests are about what is shipped, which is the compiled library. */
export function requireBuild(): void {
  if (!existsSync(inRoot('dist/bundle/index.js'))) throw new Error('there is no dist/: run `npm run build` first')
}

/** The members of `export type NAME = 'a' | 'b'`. */
export function unionMembers(file: string, name: string): string[] {
  const source = text(file)
  const start = source.indexOf(`export type ${name} =`)
  if (start < 0) throw new Error(`${file} has no type ${name}`)
  const body = source.slice(start).split(/\n(?=\S)/)[0]!
  return [...body.matchAll(/\|\s*'([^']+)'/g)].map(([, member]) => member!)
}
