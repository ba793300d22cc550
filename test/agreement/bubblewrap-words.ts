/**
 * Reads bubblewrap's words back into mount operations, knowing only what bubblewrap's manual says about each option, so that
 * the model can be asked what a rendered command line means.
 */
import type { MountOperation, MountPlan } from '../../lib/plan/linux/mount.ts'
import type { AbsolutePath } from '../../lib/policy/path.ts'

/** How many values each option takes. */
const arity: Readonly<Record<string, number>> = {
  '--new-session': 0,
  '--die-with-parent': 0,
  '--unshare-user': 0,
  '--unshare-pid': 0,
  '--as-pid-1': 0,
  '--unshare-ipc': 0,
  '--unshare-net': 0,
  '--cap-drop': 1,
  '--chdir': 1,
  '--perms': 1,
  '--dir': 1,
  '--tmpfs': 1,
  '--dev': 1,
  '--proc': 1,
  '--remount-ro': 1,
  '--symlink': 2,
  '--bind': 2,
  '--ro-bind': 2,
}

const origin = { kind: 'platform-default' } as const

/**
 * `isFile` tells what stands at a place of the host, as bubblewrap finds out by looking. Throws for words that bubblewrap
 * would not take.
 */
export function readBubblewrapWords(words: readonly string[], isFile: (path: string) => boolean): MountPlan {
  const operations: MountOperation[] = []
  let mode: string | null = null
  for (let index = 0; index < words.length; ) {
    const option = words[index]!
    const count = arity[option]
    if (count === undefined) throw new Error(`not an option: ${option}`)
    const values = words.slice(index + 1, index + 1 + count)
    if (values.length < count) throw new Error(`${option} lacks a value`)
    index += 1 + count
    if (option === '--perms') {
      mode = values[0]!
      continue
    }
    operations.push(...operationsOf(option, values, mode, operations, isFile))
    mode = null
  }
  return { operations }
}

function operationsOf(
  option: string,
  values: readonly string[],
  mode: string | null,
  before: readonly MountOperation[],
  isFile: (path: string) => boolean,
): MountOperation[] {
  const target = values.at(-1) as AbsolutePath
  switch (option) {
    case '--ro-bind':
    case '--bind':
      return bound(option === '--bind' ? 'write' : 'read', values[0]!, target, before, isFile)
    case '--tmpfs':
      if (target === '/dev/shm') return []
      if (mode === '555') return [{ operation: 'mask-missing', target, origin }]
      if (mode !== '000' && mode !== '111') throw new Error(`${target} can be listed`)
      if (target === '/') return [{ operation: 'empty-root' }]
      return [{ operation: 'mask-directory', target, passable: mode === '111', origin }]
    case '--dir':
      if (mode !== '111') throw new Error(`${target} can be listed`)
      return [{ operation: 'make-directory', target }]
    case '--symlink':
      return [{ operation: 'make-symlink', target, to: values[0]! }]
    case '--remount-ro':
      if (before.some(other => other.operation === 'mask-missing' && other.target === target)) return []
      return target === '/dev' ? [] : [{ operation: 'seal', target }]
    case '--dev':
      return [{ operation: 'devices' }]
    case '--proc':
      return [{ operation: 'process-files' }]
    default:
      return []
  }
}

function bound(
  access: 'read' | 'write',
  source: string,
  target: AbsolutePath,
  before: readonly MountOperation[],
  isFile: (path: string) => boolean,
): MountOperation[] {
  if (source === '/' && target === '/' && before.length === 0) return [{ operation: 'host-tree', access }]
  if (source === '/proc' && access === 'read') return [{ operation: 'process-files' }]
  if (source === '/proc/sys' && access === 'read') return []
  // nodev: the device is there and cannot be opened.
  if (source === '/dev/null' && access === 'read') return [{ operation: 'mask-file', target, origin }]
  const type = isFile(source) ? 'file' : 'directory'
  const operation: MountOperation = {
    operation: 'bind',
    source: source as AbsolutePath,
    target,
    access,
    type,
    origin,
  }
  // The mount point of a file is made where it is missing, which below a place of the host it must not be.
  const masks = before.filter(other => other.operation === 'mask-directory' || other.operation === 'empty-root')
  const made = type === 'file' && masks.length > 0 && !hostShows(before, target)
  return made ? [{ operation: 'make-file', target }, operation] : [operation]
}

/** True when the innermost place around `target` so far shows the host's files. */
function hostShows(before: readonly MountOperation[], target: string): boolean {
  let shows = false
  let longest = -1
  for (const operation of before) {
    const place = 'target' in operation ? operation.target : '/'
    const around = place === '/' || target === place || target.startsWith(`${place}/`)
    const isPlace = ['host-tree', 'empty-root', 'bind', 'mask-directory'].includes(operation.operation)
    if (!isPlace || !around || place.length < longest) continue
    longest = place.length
    shows = operation.operation === 'host-tree' || operation.operation === 'bind'
  }
  return shows
}
