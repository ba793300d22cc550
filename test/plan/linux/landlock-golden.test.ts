import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { makeLandlockPlan } from '../../../lib/plan/linux/landlock.ts'
import { dumpLandlockPlan } from '../../../lib/plan/linux/landlock-text.ts'
import { normalizeAbsolute } from '../../../lib/policy/path.ts'
import type { Access, AccessRule, FileKind, ResolvedPolicy } from '../../../lib/policy/types.ts'

function rule(path: string, access: Access, target: FileKind = 'directory'): AccessRule {
  return { path: normalizeAbsolute(path), access, target, origin: { kind: 'entry', index: 0, spelled: path } }
}

const policies: Readonly<Record<string, readonly AccessRule[]>> = {
  workspace: [rule('/', 'read'), rule('/tmp', 'write'), rule('/home/me/project', 'write')],
  'restricted-read': [
    rule('/usr', 'read'),
    rule('/etc/hosts', 'read', 'file'),
    rule('/home/me/project', 'write'),
    rule('/home/me/notes.txt', 'write', 'file'),
    rule('/home/me/gone', 'write', 'missing'),
  ],
}

function dumps(rules: readonly AccessRule[]): string {
  const resolved = { rules } as unknown as ResolvedPolicy
  const sections = (['alone', 'stacked'] as const).flatMap(mode =>
    [1, 3, 7, 10].flatMap(abi =>
      [true, false].map(networkRestricted => {
        const title = `# ${mode}, ABI ${abi}, network ${networkRestricted ? 'restricted' : 'enabled'}\n`
        return title + dumpLandlockPlan(makeLandlockPlan({ resolved, abi, mode, networkRestricted }))
      }),
    ),
  )
  return sections.join('\n')
}

// Shows that something changed; `landlock.test.ts` shows what it means. UPDATE_GOLDEN=1 writes the files anew.
describe('the Landlock plan', () => {
  it.each(Object.entries(policies))('of %s is the one on file', (name, rules) => {
    const file = new URL(`../../golden/landlock-${name}.txt`, import.meta.url)
    const text = dumps(rules)
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text)
    expect(text).toBe(readFileSync(file, 'utf8'))
  })
})
