/**
 * The model of a mount plan: carries the operations out on a table of mounts, the way a kernel would, and answers what a
 * command can then do at a path. Shares no code with the builder, so that one mistake cannot be made twice; it must never
 * be taught what a plan is meant to say. An operation that would fail, or would touch the host's tree, throws.
 *
 * Answers are for canonical paths of the host. Permission bits of the host's own files are not looked at: `write` means
 * that the plan does not stand in the way.
 */
import { InternalError, unreachable } from '../../errors.ts'
import type { AbsolutePath } from '../../policy/path.ts'
import type { Access, FileKind } from '../../policy/types.ts'
import type { MountOperation, MountPlan } from './mount.ts'

/** What a mount shows at its mount point and below. */
type Content =
  | { readonly shows: 'host'; readonly access: 'read' | 'write' }
  | { readonly shows: 'blank'; readonly searchable: boolean; sealed: boolean; readonly inodes: Map<string, Inode> }
  | { readonly shows: 'nothing' }
  /** An empty read-only directory: nothing to read, and nothing can be made. */
  | { readonly shows: 'empty' }
  | { readonly shows: 'devices' }
  | { readonly shows: 'process-files' }

type Inode = { readonly type: 'directory' | 'file' } | { readonly type: 'symlink'; readonly to: string }

interface Mount {
  readonly content: Content
  /** Whether other mounts can be put below: only directories have a below. */
  readonly directory: boolean
  /** The operation that made it, as an index into the plan. */
  readonly operation: number
}

export interface MountAnswer {
  readonly access: Access
  /** For a directory that cannot be read: a command may pass through it to something below. True wherever reading is. */
  readonly passable: boolean
  /** The operation that decides here, as an index into the plan's operations. */
  readonly operation: number
}

interface Table {
  /** Visible mounts by mount point. A mount hides all that was mounted at or below its mount point before. */
  readonly mounts: Map<string, Mount>
  /** Every directory that a mount point was ever below: elsewhere nothing can be hidden. */
  readonly above: Set<string>
}

export interface MountView {
  at(path: AbsolutePath): MountAnswer
}

/** Longest chain of links that is followed, as in path_resolution(7). */
const linkLimit = 40

/** What stands at a path of the host, when that is known. */
export type HostKinds = (path: string) => FileKind

/**
 * Throws `InternalError` when the plan could not be carried out. Without `kinds` the host is taken to have whatever the plan
 * expects there.
 */
export function makeMountView(plan: MountPlan, kinds?: HostKinds): MountView {
  const table: Table = { mounts: new Map(), above: new Set() }
  plan.operations.forEach((operation, index) => {
    perform(table, operation, index)
    if (kinds !== undefined) checkHost(table, operation, index, kinds)
  })
  return { at: path => look(table, path, linkLimit) }
}

/** What a command can do at `path` under the plan. Throws `InternalError` when the plan could not be carried out. */
export function mountAccessOf(plan: MountPlan, path: AbsolutePath): Access {
  return makeMountView(plan).at(path).access
}

/** True when a command can reach things below the directory `path`, if only by name. */
export function mountPassableAt(plan: MountPlan, path: AbsolutePath): boolean {
  return makeMountView(plan).at(path).passable
}

function perform(table: Table, operation: MountOperation, index: number): void {
  switch (operation.operation) {
    case 'host-tree':
      begin(table, { shows: 'host', access: operation.access }, index)
      break
    case 'empty-root':
      begin(table, { shows: 'blank', searchable: true, sealed: false, inodes: new Map() }, index)
      break
    case 'bind':
      if (operation.source !== operation.target) fail(index, 'shows a place under another name')
      mount(table, operation.target, {
        content: { shows: 'host', access: operation.access },
        directory: operation.type === 'directory',
        operation: index,
      })
      break
    case 'mask-directory': {
      const content: Content = { shows: 'blank', searchable: operation.passable, sealed: false, inodes: new Map() }
      mount(table, operation.target, { content, directory: true, operation: index })
      break
    }
    case 'mask-file':
      mount(table, operation.target, { content: { shows: 'nothing' }, directory: false, operation: index })
      break
    case 'mask-missing':
      mount(table, operation.target, { content: { shows: 'empty' }, directory: true, operation: index })
      break
    case 'make-directory':
      make(table, operation.target, { type: 'directory' }, index)
      break
    case 'make-file':
      make(table, operation.target, { type: 'file' }, index)
      break
    case 'make-symlink':
      make(table, operation.target, { type: 'symlink', to: operation.to }, index)
      break
    case 'seal':
      seal(table, operation.target, index)
      break
    case 'devices':
      mount(table, '/dev', { content: { shows: 'devices' }, directory: true, operation: index })
      break
    case 'process-files':
      mount(table, '/proc', { content: { shows: 'process-files' }, directory: true, operation: index })
      break
    default:
      unreachable(operation)
  }
}

/** A mount needs a mount point and a source of its own kind: a directory on a directory, anything else on anything else. */
function checkHost(table: Table, operation: MountOperation, index: number, kinds: HostKinds): void {
  if (!('target' in operation) || operation.operation.startsWith('make-') || operation.operation === 'seal') return
  const around = mountOver(table, directoryOf(operation.target))[1].content
  const onHost = around.shows === 'host' || operation.operation === 'bind'
  const kind = onHost ? kinds(operation.target) : null
  if (kind === null) return
  const { directory, content } = table.mounts.get(operation.target)!
  if (!fits(content, directory, kind)) fail(index, `does not fit ${operation.target}, which is ${kind} on the host`)
}

function fits(content: Content, directory: boolean, kind: FileKind): boolean {
  // What stands in for something missing is put there at the launch; anything else there would be covered up.
  if (content.shows === 'empty') return kind === 'missing'
  return directory ? kind === 'directory' : kind === 'file' || kind === 'other'
}

function begin(table: Table, content: Content, operation: number): void {
  if (operation !== 0) fail(operation, 'is not the first')
  table.mounts.set('/', { content, directory: true, operation })
}

function mount(table: Table, target: string, entry: Mount): void {
  if (target === '/') fail(entry.operation, 'covers the root')
  const [point, around] = mountOver(table, target)
  const { content } = around
  if (content.shows === 'blank' && target !== point) {
    const inode = content.inodes.get(target)
    if (inode === undefined) fail(entry.operation, `has no mount point ${target}`)
    if ((inode.type === 'directory') !== entry.directory)
      fail(entry.operation, `does not fit its mount point ${target}`)
  } else if (target !== point && content.shows !== 'host') fail(entry.operation, `has no mount point ${target}`)
  if (!around.directory && target !== point) fail(entry.operation, 'lies below a file')
  if (table.above.has(target)) {
    for (const other of table.mounts.keys()) if (other.startsWith(`${target}/`)) table.mounts.delete(other)
  }
  table.mounts.set(target, entry)
  for (let up = directoryOf(target); up !== '/'; up = directoryOf(up)) table.above.add(up)
}

function make(table: Table, target: string, inode: Inode, operation: number): void {
  const [point, around] = mountOver(table, target)
  const { content } = around
  if (content.shows !== 'blank') fail(operation, `would make ${target} on the host`)
  if (content.sealed) fail(operation, `makes ${target} after the seal`)
  const directory = directoryOf(target)
  if (directory !== point && content.inodes.get(directory)?.type !== 'directory') {
    fail(operation, `has no directory for ${target}`)
  }
  if (target === point || content.inodes.has(target)) fail(operation, `makes ${target} again`)
  content.inodes.set(target, inode)
}

function seal(table: Table, target: string, operation: number): void {
  const content = table.mounts.get(target)?.content
  if (content?.shows !== 'blank') fail(operation, `seals ${target}, which is not a visible mask or empty root`)
  content.sealed = true
}

/** The visible mount that `path` lies in, with its mount point. */
function mountOver(table: Table, path: string): readonly [string, Mount] {
  for (let point = path; ; point = directoryOf(point)) {
    const found = table.mounts.get(point)
    if (found !== undefined) return [point, found]
    if (point === '/') throw new InternalError('a mount plan starts with neither a host tree nor an empty root')
  }
}

/** Walks from the root as the kernel does: every directory on the way must be there and searchable. */
function look(table: Table, path: string, links: number): MountAnswer {
  const components = path.split('/').filter(component => component !== '')
  let here = '/'
  for (const [index, component] of components.entries()) {
    const answer = answerAt(table, here)
    if (!answer.passable) return { access: 'none', passable: false, operation: answer.operation }
    here = here === '/' ? `/${component}` : `${here}/${component}`
    const link = linkAt(table, here)
    if (link === null) continue
    if (links === 0) return { access: 'none', passable: false, operation: answer.operation }
    const rest = components.slice(index + 1).join('/')
    const base = link.startsWith('/') ? '' : directoryOf(here)
    return look(table, collapse(`${base}/${link}/${rest}`), links - 1)
  }
  return answerAt(table, here)
}

function answerAt(table: Table, path: string): MountAnswer {
  const [point, { content, operation }] = mountOver(table, path)
  const answer = (access: Access, passable = access !== 'none') => ({ access, passable, operation })
  switch (content.shows) {
    case 'host':
      return answer(content.access)
    case 'nothing':
      return answer('none')
    case 'empty':
      return answer('none', true)
    case 'process-files':
      return answer('read')
    case 'devices':
      return answer(deviceAccess(path))
    case 'blank':
      // Its owner is the command's own user, who can open up what is not read-only.
      if (!content.sealed) return answer('write')
      if (path === point) return answer('none', content.searchable)
      return answer('none', content.searchable && content.inodes.get(path)?.type === 'directory')
    default:
      return unreachable(content)
  }
}

function linkAt(table: Table, path: string): string | null {
  const { content } = mountOver(table, path)[1]
  const inode = content.shows === 'blank' ? content.inodes.get(path) : undefined
  return inode?.type === 'symlink' ? inode.to : null
}

function deviceAccess(path: string): Access {
  if (path === '/dev' || path === '/dev/pts') return 'read'
  if (path.startsWith('/dev/shm/') || path.startsWith('/dev/pts/')) return 'write'
  return /^\/dev\/(null|zero|full|random|urandom|tty|ptmx|shm|fd|stdin|stdout|stderr)$/.test(path) ? 'write' : 'none'
}

function directoryOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')))
}

function collapse(path: string): string {
  const kept: string[] = []
  for (const component of path.split('/')) {
    if (component === '..') kept.pop()
    else if (component !== '' && component !== '.') kept.push(component)
  }
  return `/${kept.join('/')}`
}

function fail(operation: number, what: string): never {
  throw new InternalError(`mount operation ${operation} ${what}`)
}
