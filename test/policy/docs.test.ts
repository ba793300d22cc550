/** The policies of docs/policy.md mean what the trees beside them say. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { enforcedAccessOf } from '../../lib/policy/enforced.ts'
import { parsePermissionsToml } from '../../lib/policy/permissions-toml.ts'
import { resolvePolicy } from '../../lib/policy/resolve.ts'
import { parseSandboxPolicy } from '../../lib/policy/sandbox-policy.ts'
import { fakeFiles, path } from './fake-files.ts'

const page = readFileSync(new URL('../../docs/policy.md', import.meta.url), 'utf8')
const examples = [...page.matchAll(/<!-- example: (\w+) -->\n```(json|toml)\n(.*?)```\n\n```text\n(.*?)```/gs)].map(
  ([, name, language, policy, tree]) => ({ name: name!, language: language!, policy: policy!, tree: tree! }),
)

/** The paths of a drawn tree and the words beside them. */
function drawn(tree: string): [string, string][] {
  const above: string[] = []
  return tree
    .trimEnd()
    .split('\n')
    .map(line => {
      const [, indent = '', name = '', access = ''] = /^([│├└─ ]*)(\S+) +(read|write|none)$/.exec(line)!
      const depth = indent.length / 4
      above[depth] = name
      return [`/${above.slice(1, depth + 1).join('/')}`, access]
    })
}

describe('docs/policy.md', () => {
  it('has a tree for every policy, and a policy for every tree', () => {
    expect(examples.map(({ name }) => name)).toEqual(['nested', 'closed', 'protected', 'inherited'])
    expect([...page.matchAll(/```text/g)]).toHaveLength(examples.length)
  })

  it.each(examples)('draws what $name means', ({ language, policy, tree }) => {
    const read =
      language === 'toml'
        ? parsePermissionsToml(policy, { profile: 'p' }).policy
        : parseSandboxPolicy(JSON.parse(policy))
    const files = fakeFiles({ '/work/.git': 'dir', '/work/vault/open': 'dir', '/tmp': 'dir', '/work/secret': 'dir' })
    const surroundings = {
      policyCwd: path('/work'),
      processCwd: path('/work'),
      temporaryDirectory: undefined,
      home: '/home/me',
      files,
    }
    const resolved = resolvePolicy(read, surroundings)
    const places = drawn(tree)
    expect(places.length).toBeGreaterThan(2)
    expect(places.map(([place]) => [place, enforcedAccessOf(resolved, path(place)).access])).toEqual(places)
  })
})
