import { describe, expect, it } from 'vitest'

import { currentSurroundings } from '../../lib/host/surroundings.ts'
import { resolvePolicy } from '../../lib/policy/resolve.ts'
import { parseSandboxPolicy } from '../../lib/policy/sandbox-policy.ts'
import { surroundingsIn } from '../policy/fake-files.ts'

describe('the surroundings of a policy', () => {
  it.each([
    ['linux', 'relative/tmp', 'relative/tmp'],
    ['linux', '/tmp/x', '/tmp/x'],
    ['darwin', 'relative/tmp', undefined],
    ['darwin', '/var/folders/T', '/var/folders/T'],
    ['darwin', undefined, undefined],
  ])('on %s take %s for TMPDIR as %s', (platform, given, taken) => {
    const { temporaryDirectory } = currentSurroundings({ platform, env: { TMPDIR: given, HOME: '/home/u' } })
    expect(temporaryDirectory).toBe(taken)
  })

  it('know of names in another letter case on macOS only', () => {
    expect(currentSurroundings({ platform: 'linux' }).files.spelledOnDisk).toBeUndefined()
    expect(currentSurroundings({ platform: 'darwin' }).files.spelledOnDisk).toBeTypeOf('function')
  })

  it('may name the directories of another platform', () => {
    const around = surroundingsIn({ '/usr/bin': 'dir', '/Applications': 'dir', '/lib64': 'dir' })
    const policy = parseSandboxPolicy({
      kind: 'restricted',
      entries: [{ path: { type: 'special', value: { kind: 'minimal' } }, access: 'read' }],
    })
    const opened = (platformRoots?: readonly string[]) =>
      resolvePolicy(policy, { ...around, platformRoots })
        .rules.filter(({ origin }) => origin.kind === 'platform-default')
        .map(({ path }) => path)
    expect(opened()).toEqual(['/lib64', '/usr'])
    expect(opened(['/Applications', '/usr/bin', '/missing'])).toEqual(['/Applications', '/usr/bin'])
  })
})
