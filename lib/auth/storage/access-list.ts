/**
 * Keeps a file for its owner where mode bits say nothing: on Windows, by an access list of this user alone.
 *
 * Where there is no native addon the file inherits the list of its directory. A file system that keeps no lists, or takes one and
 * keeps it in a form of its own (Samba by mode bits, Wine), protects the file in its own way or not at all: no reason to keep
 * nobody's login, and one to say so.
 */
import type { WindowsBinding } from '../../native/windows-binding.ts'
import { type FilePlatform, filePlatform } from '../platform.ts'

let found: Promise<WindowsBinding | undefined> | undefined

/**
 * Whether the file is its owner's alone. False where that was not had: without the addon, without lists, or where the list that is
 * read back is another one. Throws when the system refused to set it.
 */
export async function keepForOwner(path: string, platform: FilePlatform = filePlatform()): Promise<boolean> {
  found ??= findBinding()
  const binding = await found
  if (binding === undefined) return platform.hasModeBits
  if (!hasAccessLists(binding, path)) return false
  const outcome = binding.makePrivate(path)
  if (outcome === undefined) return true
  if (outcome.failure.call === 'verify') return false
  throw new Error(`${outcome.failure.call} failed with error ${outcome.failure.win32}`)
}

function hasAccessLists(binding: WindowsBinding, path: string): boolean {
  const object = binding.describeObject(path)
  // What cannot be described is tried: the failure then is the one of the attempt.
  return 'failure' in object || object.hasAcls
}

async function findBinding(): Promise<WindowsBinding | undefined> {
  try {
    const { loadBinding } = await import('../../native/binding.ts')
    const binding = loadBinding()
    return binding.system === 'win32' ? binding : undefined
  } catch {
    return undefined
  }
}
