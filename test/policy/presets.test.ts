import { describe, expect, it } from 'vitest'
import { OptionError, PolicyError } from '../../lib/errors.ts'
import { policies } from '../../lib/policy/presets.ts'
import { parseSandboxPolicy } from '../../lib/policy/sandbox-policy.ts'

describe('presets', () => {
  it.each([
    ['readOnly', policies.readOnly(), { type: 'read-only' }],
    ['readOnly with network', policies.readOnly({ networkAccess: true }), { type: 'read-only', network_access: true }],
    ['workspaceWrite', policies.workspaceWrite(), { type: 'workspace-write' }],
    [
      'workspaceWrite with everything',
      policies.workspaceWrite({
        writableRoots: ['/a/../b'],
        networkAccess: true,
        excludeTmpdirEnvVar: true,
        excludeSlashTmp: true,
      }),
      {
        type: 'workspace-write',
        writable_roots: ['/b'],
        network_access: true,
        exclude_tmpdir_env_var: true,
        exclude_slash_tmp: true,
      },
    ],
    ['dangerFullAccess', policies.dangerFullAccess(), { type: 'danger-full-access' }],
    ['externalSandbox', policies.externalSandbox(), { type: 'external-sandbox' }],
    [
      'externalSandbox with network',
      policies.externalSandbox({ network: 'enabled' }),
      { type: 'external-sandbox', network_access: 'enabled' },
    ],
  ])('%s is what its wire form says, frozen', (_, policy, wire) => {
    expect(policy).toEqual(parseSandboxPolicy(wire))
    expect(Object.isFrozen(policy) && policy.form === 'legacy' && Object.isFrozen(policy.legacy)).toBe(true)
  })

  it('have words', () => {
    expect(parseSandboxPolicy('strict')).toEqual(policies.strict())
    expect(parseSandboxPolicy('full-access')).toEqual(policies.fullAccess())
    expect(policies.fullAccess()).toEqual(policies.dangerFullAccess())
  })

  it('deny secrets by name in every root of strict, and only on request not', () => {
    const open = policies.strict({ readableRoots: ['/r'], denySecrets: false, networkAccess: true })
    expect(open).toMatchObject({ form: 'split', network: 'enabled', fileSystem: { entries: { length: 3 } } })
    const closed = policies.strict({ readableRoots: ['/r'], writableRoots: ['/w'] })
    const patterns = closed.form === 'split' ? closed.fileSystem.entries.map(({ path }) => path) : []
    for (const pattern of ['**/.env', '/r/**/.env', '/w/**/.env']) {
      expect(patterns).toContainEqual({ type: 'glob_pattern', pattern })
    }
    expect(() => policies.strict({ readableRoots: ['relative'] })).toThrow(PolicyError)
    expect(() => policies.strict({ denySecret: false } as object)).toThrow(/did you mean "denySecrets"/)
  })

  it('refuse a misspelt option by its right name', () => {
    const misspelt = { writeableRoots: ['/a'] } as object
    expect(() => policies.workspaceWrite(misspelt)).toThrow(OptionError)
    expect(() => policies.workspaceWrite(misspelt)).toThrow(/did you mean "writableRoots"/)
  })

  it.each([
    ['a relative root', { writableRoots: ['build'] }],
    ['a word for a flag', { excludeSlashTmp: 'yes' as unknown as boolean }],
    ['one root instead of a list', { writableRoots: '/a' as unknown as string[] }],
  ])('refuse %s', (_, options) => {
    expect(() => policies.workspaceWrite(options)).toThrow(PolicyError)
  })
})
