/**
 * Whole-disk questions (spec DISK-1 … DISK-7). Decided by how entries are spelled, without disk, working directory or
 * environment; a plain path entry for `/` is never the `root` special here.
 */
import { unreachable } from '../errors.ts'
import type {
  FileSystemPath,
  FileSystemSandboxEntry,
  FileSystemSandboxPolicy,
  FileSystemSpecialPath,
} from './policy.ts'

function isSpecial(entry: FileSystemSandboxEntry, kind: FileSystemSpecialPath['kind']): boolean {
  return entry.path.type === 'special' && entry.path.value.kind === kind
}

function specialKey(special: FileSystemSpecialPath): string {
  switch (special.kind) {
    case 'root':
      return 'path:/'
    case 'slash_tmp':
      return 'path:/tmp'
    case 'current_working_directory':
      return 'cwd'
    case 'project_roots':
      return special.subpath === undefined ? 'cwd' : `cwd:${special.subpath}`
    case 'unknown':
      return `unknown:${JSON.stringify([special.path, special.subpath ?? null])}`
    case 'minimal':
    case 'tmpdir':
      return special.kind
    default:
      return unreachable(special)
  }
}

/** DISK-6: two paths have the same target when they have the same key. Decided by spelling. */
export function targetKey(path: FileSystemPath): string {
  switch (path.type) {
    case 'path':
      return `path:${path.path}`
    case 'special':
      return specialKey(path.value)
    case 'glob_pattern':
      return `glob:${path.pattern}`
    default:
      return unreachable(path)
  }
}

/** DISK-3, L6-5: every `none` entry counts, also one that stands for no place, and a pattern. */
function hasDenyEntry(policy: FileSystemSandboxPolicy): boolean {
  return policy.entries.some(entry => entry.access === 'none')
}

/** DISK-1. */
export function hasFullDiskRead(policy: FileSystemSandboxPolicy): boolean {
  if (policy.kind !== 'restricted') return true
  return policy.entries.some(entry => isSpecial(entry, 'root') && entry.access !== 'none') && !hasDenyEntry(policy)
}

// DISK-4 … DISK-6; L6-5: a pattern narrows whatever it says, unless it says `write`. `written`: targets of all write entries.
function narrows(entry: FileSystemSandboxEntry, written: ReadonlySet<string>): boolean {
  if (entry.access === 'write') return false
  if (isSpecial(entry, 'minimal') || isSpecial(entry, 'unknown')) return false
  if (entry.access === 'none' || entry.path.type === 'glob_pattern') return true
  return !isSpecial(entry, 'root') && !written.has(targetKey(entry.path))
}

/** DISK-2. */
export function hasFullDiskWrite(policy: FileSystemSandboxPolicy): boolean {
  if (policy.kind !== 'restricted') return true
  if (!policy.entries.some(entry => isSpecial(entry, 'root') && entry.access === 'write')) return false
  const written = new Set(policy.entries.filter(entry => entry.access === 'write').map(entry => targetKey(entry.path)))
  return !policy.entries.some(entry => narrows(entry, written))
}

/** DISK-7. */
export function includesPlatformDefaults(policy: FileSystemSandboxPolicy): boolean {
  if (policy.kind !== 'restricted' || hasFullDiskRead(policy)) return false
  return policy.entries.some(entry => isSpecial(entry, 'minimal') && entry.access !== 'none')
}
