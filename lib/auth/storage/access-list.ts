/**
 * Keeps a file for its owner where mode bits say nothing: on Windows, by an access list of this user alone.
 *
 * Where there is no native addon the file inherits the list of its directory. A file system that keeps no lists, or takes one and
 * keeps it in a form of its own (Samba by mode bits, Wine), protects the file in its own way, as one without mode bits does
 * elsewhere: no reason to keep nobody's login at all.
 */
import type { WindowsBinding } from '../../native/windows-binding.ts'

let found: Promise<WindowsBinding | undefined> | undefined

/** Does nothing where mode bits count. Throws when the system refused to set the list. */
export async function keepForOwner(path: string): Promise<void> {
  found ??= findBinding()
  const binding = await found
  if (binding === undefined || !hasAccessLists(binding, path)) return
  const outcome = binding.makePrivate(path)
  if (outcome !== undefined && outcome.failure.call !== 'verify')
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
