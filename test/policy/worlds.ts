/** Random trees and policies for the property tests: few names, so that paths meet, tie and pass links. */
import fc from 'fast-check'
import type { FileSystemAccess, FileSystemSandboxEntry, FileSystemSandboxPolicy } from '../../lib/policy/policy.ts'
import { path, surroundingsIn, type Tree } from './fake-files.ts'

const name = fc.constantFrom('a', 'b', 'c', '.git', 'ws')

export const anyPath = fc.array(name, { maxLength: 4 }).map(names => path(`/${names.join('/')}`))

const node = fc.oneof(
  { weight: 6, arbitrary: fc.constant('dir' as const) },
  { weight: 1, arbitrary: fc.constant('file' as const) },
  { weight: 2, arbitrary: anyPath.map(target => ({ text: `gitdir: ${target}\n` })) },
  { weight: 3, arbitrary: anyPath.map(target => ({ link: target })) },
)

/** Trees without links and pointer files: there intent and enforcement may only differ by default protections. */
export const plainTree: fc.Arbitrary<Tree> = fc.dictionary(
  anyPath.filter(item => item !== '/'),
  fc.constantFrom('dir' as const, 'file' as const),
  { maxKeys: 8 },
)

/** Trees with links and without git metadata. */
export const linkedTree: fc.Arbitrary<Tree> = fc.dictionary(
  anyPath.filter(item => item !== '/' && !item.includes('.git')),
  fc.oneof(
    fc.constantFrom('dir' as const, 'dir' as const, 'file' as const),
    anyPath.map(target => ({ link: target })),
  ),
  { maxKeys: 10 },
)

export const anyTree: fc.Arbitrary<Tree> = fc.dictionary(
  anyPath.filter(item => item !== '/'),
  node,
  { maxKeys: 10 },
)

const word = fc.constantFrom<FileSystemAccess>('read', 'write', 'none')

const special = fc.oneof(
  fc.constantFrom(
    { kind: 'root' as const },
    { kind: 'minimal' as const },
    { kind: 'current_working_directory' as const },
    { kind: 'project_roots' as const },
    { kind: 'tmpdir' as const },
    { kind: 'slash_tmp' as const },
    { kind: 'unknown' as const, path: ':later' },
  ),
  fc.constantFrom('a', '.', '../b', '/c', '.git').map(subpath => ({ kind: 'project_roots' as const, subpath })),
)

export const anyEntry: fc.Arbitrary<FileSystemSandboxEntry> = fc.record({
  path: fc.oneof(
    { weight: 4, arbitrary: anyPath.map(item => ({ type: 'path' as const, path: item })) },
    { weight: 2, arbitrary: special.map(value => ({ type: 'special' as const, value })) },
  ),
  access: word,
})

export const anyRestricted: fc.Arbitrary<FileSystemSandboxPolicy> = fc
  .array(anyEntry, { maxLength: 8 })
  .map(entries => ({ kind: 'restricted', entries }))

const cwd = fc.constantFrom('/ws', '/a/b', '/')
const tmpdir = fc.constantFrom(undefined, '/b', '/ws/c')

export function anySurroundings(tree: fc.Arbitrary<Tree>) {
  return fc
    .record({ tree, cwd, tmpdir })
    .map(given =>
      surroundingsIn(
        given.tree,
        given.tmpdir === undefined ? { cwd: given.cwd } : { cwd: given.cwd, tmpdir: given.tmpdir },
      ),
    )
}

export const anyLegacy = fc.oneof(
  fc.constant({ type: 'danger-full-access' as const }),
  fc.record({
    type: fc.constant('external-sandbox' as const),
    network_access: fc.constantFrom('restricted' as const, 'enabled' as const),
  }),
  fc.record({ type: fc.constant('read-only' as const), access: readAccess(), network_access: fc.boolean() }),
  fc.record({
    type: fc.constant('workspace-write' as const),
    writable_roots: fc.array(anyPath, { maxLength: 3 }),
    read_only_access: readAccess(),
    network_access: fc.boolean(),
    exclude_tmpdir_env_var: fc.boolean(),
    exclude_slash_tmp: fc.boolean(),
  }),
)

function readAccess() {
  return fc.oneof(
    fc.constant({ type: 'full-access' as const }),
    fc.record({
      type: fc.constant('restricted' as const),
      include_platform_defaults: fc.boolean(),
      readable_roots: fc.array(anyPath, { maxLength: 3 }),
    }),
  )
}
