import { describe, expect, it } from 'vitest'

import { windowsAnswer } from '../../../lib/plan/windows/answer.ts'
import { normalizeAbsolute } from '../../../lib/policy/path.ts'
import { resolvePolicy } from '../../../lib/policy/resolve.ts'
import { parseSandboxPolicy } from '../../../lib/policy/sandbox-policy.ts'
import { virtualFiles } from '../../conformance/virtual-files.mjs'

function outlooks(policy: unknown) {
  const cwd = normalizeAbsolute('/ws')
  const files = virtualFiles({ dirs: ['/ws', '/tmp'] })
  const around = { policyCwd: cwd, processCwd: cwd, temporaryDirectory: undefined, home: undefined, files }
  return windowsAnswer(resolvePolicy(parseSandboxPolicy(policy), around)).map(({ backend, refusal, limits }) => [
    backend,
    refusal?.kind ?? limits.map(({ code }) => code),
  ])
}

const restricted = { type: 'restricted', include_platform_defaults: true, readable_roots: ['/docs'] }
const split = (...entries: object[]) => ({ kind: 'restricted', entries })
const root = { path: { type: 'special', value: { kind: 'root' } }, access: 'read' }
const cwd = { path: { type: 'special', value: { kind: 'current_working_directory' } }, access: 'write' }
const vendor = { path: { type: 'path', path: '/ws/vendor' }, access: 'read' }

describe('what Windows would say to a policy of another system', () => {
  it.each([
    ['danger-full-access', 'policy-not-sandboxable', 'policy-not-sandboxable'],
    [
      'read-only',
      ['low-labelled-places', 'read-open', 'network-advisory'],
      ['read-grants-only', 'state-directory-readable'],
    ],
    [
      'workspace-write',
      ['delete-via-parent', 'same-user-surrogates', 'read-open', 'network-advisory'],
      ['read-grants-only', 'state-directory-readable'],
    ],
    [{ type: 'read-only', access: restricted }, 'restricted-read-needs-elevated', ['read-grants-only']],
    [split(root, cwd, vendor), 'split-not-round-trippable', 'split-not-round-trippable'],
    [split(root, { ...vendor, access: 'write' }), 'split-not-round-trippable', 'split-not-round-trippable'],
  ])('is the same as for its own paths: %j', (policy, unelevated, elevated) => {
    expect(outlooks(policy)).toEqual([
      ['unelevated', unelevated],
      ['elevated', elevated],
    ])
  })
})
