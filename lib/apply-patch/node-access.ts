/**
 * `FileAccess` by Node's own file system calls.
 *
 * On Linux, where /proc is mounted, a directory is opened once without following a link, and its entries are named relative
 * to that descriptor (`/proc/self/fd/<n>/<name>`): no link that appears after the check is ever followed. The opening is one
 * openat2(2) where somebody hands that call in and the kernel has it; otherwise part by part from the root with O_NOFOLLOW,
 * each part relative to the one before it, which is as strict and takes more calls (open(2), openat2(2), proc(5)).
 *
 * Elsewhere names are joined to the path. THE RACE THAT REMAINS THERE: between the check that the path holds no link and
 * the call that uses it, another process that may write in a parent directory can put a link in that parent's place and
 * so lead the call elsewhere. The window is the time between two system calls, and the check is repeated before each.
 */

import { constants, existsSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { constants as osConstants } from 'node:os'
import { join, parse, sep } from 'node:path'

import type {
  Attributes,
  CreatedFile,
  EntryKind,
  EntryStatus,
  FileAccess,
  FileIdentity,
  OpenDirectory,
} from './file-access.ts'

// Not in node:fs. The generic value of Linux, which x86, arm, riscv, s390x, ppc64 and loongarch share. It opens
// directories that may be passed through but not listed.
const O_PATH = 0o10000000

const directoryFlags = constants.O_DIRECTORY | constants.O_NOFOLLOW

/** Flags that a system does not have are undefined there. */
const noFollow = constants.O_NOFOLLOW ?? 0
const readFlags = constants.O_RDONLY | noFollow | (constants.O_NONBLOCK ?? 0)
const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | noFollow

/** openat2(2) from outside of Node: descriptors or negative errnos. */
export interface BeneathCalls {
  /** `path` is absolute; no link on it is followed. */
  openBeneath(path: string): number
  closeFile(fd: number): void
}

export interface NodeFileAccessOptions {
  /** Use names joined to paths, as on systems without anything better. Default: false. */
  readonly byPath?: boolean
  /** How to open a directory in one call. Default: part by part. */
  readonly beneath?: BeneathCalls
}

/** The access of this machine: race-free on Linux with /proc, by path elsewhere. */
export function nodeFileAccess(options: NodeFileAccessOptions = {}): FileAccess {
  const raceFree = options.byPath !== true && hasDescriptorPaths()
  if (!raceFree) return { raceFree, realPath, openDirectory: openByPath }
  const { beneath } = options
  if (beneath === undefined || !works(beneath)) return { raceFree, realPath, openDirectory: openByDescriptor }
  return { raceFree, realPath, openDirectory: path => openBeneath(beneath, path) }
}

/** Linux with /proc mounted: no other system has this directory, and Windows, where anybody can make it, has not the flag. */
function hasDescriptorPaths(): boolean {
  return constants.O_DIRECTORY !== undefined && existsSync('/proc/self/fd')
}

/** ENOSYS before Linux 5.6, and filters of containers answer to a call they do not know with errnos of their own. */
function works(beneath: BeneathCalls): boolean {
  const fd = beneath.openBeneath('/')
  if (fd >= 0) beneath.closeFile(fd)
  return fd >= 0
}

async function realPath(path: string): Promise<string | null> {
  try {
    return await fs.realpath(path)
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'ENOENT' || code === 'ENOTDIR'
}

async function openBeneath(beneath: BeneathCalls, path: string): Promise<OpenDirectory> {
  const fd = beneath.openBeneath(path)
  if (fd < 0) throw systemError(-fd, path)
  return directoryOf(fd, async () => beneath.closeFile(fd))
}

function systemError(errno: number, path: string): Error {
  const code = Object.entries(osConstants.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`
  return Object.assign(new Error(`${code}: cannot open the directory '${path}'`), { code, path })
}

async function openByDescriptor(path: string): Promise<OpenDirectory> {
  let handle = await fs.open('/', O_PATH | directoryFlags)
  try {
    for (const component of path.split('/')) {
      if (component === '') continue
      const next = await fs.open(`/proc/self/fd/${handle.fd}/${component}`, O_PATH | directoryFlags)
      const previous = handle
      handle = next
      await previous.close()
    }
  } catch (error) {
    await handle.close()
    throw error
  }
  return directoryOf(handle.fd, () => handle.close())
}

function directoryOf(fd: number, close: () => Promise<void>): OpenDirectory {
  const base = `/proc/self/fd/${fd}`
  return openDirectoryAt(async name => `${base}/${name}`, `${base}/.`, close)
}

async function openByPath(path: string): Promise<OpenDirectory> {
  await checkWithoutLinks(path)
  const at = async (name: string): Promise<string> => {
    await checkWithoutLinks(path)
    return join(path, name)
  }
  return openDirectoryAt(at, path, async () => {})
}

async function checkWithoutLinks(path: string): Promise<void> {
  const { root } = parse(path)
  let current = root
  for (const component of path.slice(root.length).split(sep)) {
    current = join(current, component)
    if ((await fs.lstat(current)).isDirectory()) continue
    throw Object.assign(new Error(`ENOTDIR: not a directory, open '${current}'`), { code: 'ENOTDIR', path: current })
  }
}

type PathOf = (name: string) => Promise<string>

function openDirectoryAt(at: PathOf, self: string, close: () => Promise<void>): OpenDirectory {
  return {
    status: async name => statusAt(await at(name)),
    read: async (name, limit) => readAt(await at(name), limit),
    writable: async name => writableAt(await at(name)),
    create: async (name, bytes, attributes) => createAt(await at(name), bytes, attributes),
    link: async (from, to) => fs.link(await at(from), await at(to)),
    rename: async (from, to) => fs.rename(await at(from), await at(to)),
    unlink: async name => fs.unlink(await at(name)),
    makeDirectory: async name => fs.mkdir(await at(name)),
    removeDirectory: async name => fs.rmdir(await at(name)),
    sync: () => syncDirectory(self),
    close,
  }
}

async function statusAt(path: string): Promise<EntryStatus | null> {
  try {
    return statusOf(await fs.lstat(path, { bigint: true }))
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

type BigStats = Awaited<ReturnType<typeof lstatBig>>
const lstatBig = (path: string) => fs.lstat(path, { bigint: true })

function statusOf(stats: BigStats): EntryStatus {
  return {
    kind: kindOf(stats),
    mode: Number(stats.mode) & 0o7777,
    owner: Number(stats.uid),
    group: Number(stats.gid),
    links: Number(stats.nlink),
    identity: identityOf(stats),
  }
}

function kindOf(stats: BigStats): EntryKind {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  return stats.isSymbolicLink() ? 'symlink' : 'other'
}

function identityOf(stats: BigStats): FileIdentity {
  return {
    device: stats.dev,
    inode: stats.ino,
    size: stats.size,
    modified: stats.mtimeNs,
    changed: stats.ctimeNs,
  }
}

async function readAt(path: string, limit: number): Promise<Uint8Array> {
  const handle = await fs.open(path, readFlags)
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw Object.assign(new Error('EINVAL: not a regular file'), { code: 'EINVAL' })
    if (stats.size > limit) throw Object.assign(new Error('EFBIG: file too large'), { code: 'EFBIG' })
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}

/** Opened rather than asked for: `access(2)` follows links and answers for the real user. Nothing is truncated. */
async function writableAt(path: string): Promise<boolean> {
  try {
    const handle = await fs.open(path, constants.O_WRONLY | noFollow | (constants.O_NONBLOCK ?? 0))
    await handle.close()
    return true
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    // ETXTBSY: a program that is running. It can be replaced, only not written in place.
    if (code === 'ETXTBSY') return true
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return false
    throw error
  }
}

async function createAt(path: string, bytes: Uint8Array, attributes: Attributes | null): Promise<CreatedFile> {
  const handle = await fs.open(path, createFlags, attributes === null ? 0o666 : 0o600)
  try {
    await handle.writeFile(bytes)
    const ownerKept = attributes === null || (await takeOver(handle, attributes))
    await handle.sync()
    return { identity: identityOf(await handle.stat({ bigint: true })), ownerKept }
  } catch (error) {
    await fs.unlink(path).catch(() => {})
    throw error
  } finally {
    await handle.close()
  }
}

/** Owner first: changing it clears the set-user-ID bits, which only the same owner and group may have back. */
async function takeOver(handle: fs.FileHandle, attributes: Attributes): Promise<boolean> {
  // Without users (Windows) there is nothing to keep.
  if (process.getuid === undefined) return true
  const stats = await handle.stat()
  const wanted = stats.uid !== attributes.owner || stats.gid !== attributes.group
  if (wanted) await giveTo(handle, attributes)
  const given = wanted ? await handle.stat() : stats
  const kept = given.uid === attributes.owner && given.gid === attributes.group
  await handle.chmod(kept ? attributes.mode : attributes.mode & 0o1777)
  return kept
}

async function giveTo(handle: fs.FileHandle, attributes: Attributes): Promise<void> {
  try {
    await handle.chown(attributes.owner, attributes.group)
  } catch {
    // Only root may give a file away; a group that the process belongs to can still be kept.
    const stats = await handle.stat()
    await handle.chown(stats.uid, attributes.group).catch(() => {})
  }
}

/** What file systems answer that cannot sync a directory; the rename is as durable there as it gets. */
const unsyncable = new Set(['EINVAL', 'ENOTSUP', 'EBADF', 'EACCES', 'EPERM', 'EISDIR', 'ENOSYS'])

async function syncDirectory(path: string): Promise<void> {
  try {
    const handle = await fs.open(path, constants.O_RDONLY)
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (!unsyncable.has((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
