/** What the tests of the sentences of docs/policy.md share: they quote each, ask the library, and see that none is left over. */
import { expect, it } from 'vitest'

import { enforcedAccessOf } from '../../lib/policy/enforced.ts'
import { parsePermissionsToml } from '../../lib/policy/permissions-toml.ts'
import type { Policy } from '../../lib/policy/policy.ts'
import { resolvePolicy } from '../../lib/policy/resolve.ts'
import { parseSandboxPolicy } from '../../lib/policy/sandbox-policy.ts'
import type { Surroundings } from '../../lib/policy/types.ts'
import { around } from './docs-page.ts'
import { path } from './fake-files.ts'

/** The second half of the page begins here. */
export const PRESETS = '## Presets\n'

const quoted: string[] = []

/** Words that another test is about as a whole, or that state nothing the library does. */
export function frame(...words: string[]): void {
  quoted.push(...words)
}

export function says(sentence: string, ask: () => void | Promise<void>): void {
  quoted.push(sentence)
  it(sentence, ask, 60_000)
}

/** The last test of a file: its part of the page has every sentence that was quoted, and no other. */
export function nothingElse(prose: string): void {
  it('nothing that no test asks about', () => {
    let left = prose
    for (const sentence of quoted) {
      expect(left).toContain(sentence)
      left = left.replace(sentence, '')
    }
    expect(left.trim()).toBe('')
  })
}

export const entry = (place: string, access: string) => ({ path: { type: 'path', path: place }, access })
export const special = (kind: string, access: string) => ({ path: { type: 'special', value: { kind } }, access })
export const split = (...entries: object[]) => parseSandboxPolicy({ kind: 'restricted', entries })
export const toml = (text: string) => parsePermissionsToml(text, { profile: 'p' }).policy

/** What a command gets at each of the places. */
export function gets(
  policy: Policy,
  places: readonly string[],
  surroundings: Surroundings = around,
): Record<string, string> {
  const resolved = resolvePolicy(policy, surroundings)
  return Object.fromEntries(places.map(place => [place, enforcedAccessOf(resolved, path(place)).access]))
}
