import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { afterAll, describe, expect, it } from 'vitest'

import { readCommandLine } from '../../lib/cli/command-line.ts'
import { choosePolicy, policyOptions } from '../../lib/cli/policy-option.ts'
import { temporaryPlace } from './castellan.ts'

const place = temporaryPlace()
const folder = path.join(place.path, 'folder')
mkdirSync(folder)
afterAll(() => place.remove())

const fileSystem = { kind: 'restricted', entries: [] }
const files = {
  'legacy.json': { type: 'workspace-write', writable_roots: ['/srv'] },
  'external.json': { type: 'external-sandbox' },
  'kind.json': fileSystem,
  'split.json': { fileSystem, network: 'enabled' },
  'snake.json': { file_system: fileSystem },
  'word.json': 'read-only',
}
for (const [name, policy] of Object.entries(files)) writeFileSync(path.join(place.path, name), JSON.stringify(policy))

/** The options, and the policy that the library gets; names of files stand for their paths. */
const choices: readonly (readonly [options: string, policy: unknown])[] = [
  ['', { type: 'workspace-write' }],
  ['-p read-only', { type: 'read-only' }],
  ['-p word.json', { type: 'read-only' }],
  ['-p read-only --network', { type: 'read-only', network_access: true }],
  ['--no-network', { type: 'workspace-write', network_access: false }],
  ['-p danger-full-access', { type: 'danger-full-access' }],
  ['-p danger-full-access --network', { type: 'danger-full-access' }],
  ['-p danger-full-access --no-network', { fileSystem: { kind: 'unrestricted', entries: [] }, network: 'restricted' }],
  ['-w folder -w .', { type: 'workspace-write', writable_roots: [folder, place.path] }],
  ['-p legacy.json -w folder', { type: 'workspace-write', writable_roots: ['/srv', folder] }],
  ['-p legacy.json --network', { ...files['legacy.json'], network_access: true }],
  ['-p external.json --network', { type: 'external-sandbox', network_access: 'enabled' }],
  ['-p external.json --no-network', { type: 'external-sandbox', network_access: 'restricted' }],
  ['-p kind.json', fileSystem],
  ['-p kind.json --network', { fileSystem, network: 'enabled' }],
  ['-p split.json', files['split.json']],
  ['-p split.json --no-network', { fileSystem, network: 'restricted' }],
  ['-p snake.json --network', { file_system: fileSystem, network: 'enabled' }],
]

describe('choosePolicy', () => {
  it.each(choices)('"%s" asks for %j', (options, policy) => {
    const placed = options
      .split(' ')
      .filter(word => word !== '')
      .map(word => (/\.json$|^folder$|^\.$/.test(word) ? path.join(place.path, word) : word))
    const line = readCommandLine(placed, { options: policyOptions, until: 'end' })
    expect(choosePolicy(line).policy).toEqual(policy)
  })
})
