/**
 * The helper program of macOS lies beside the addon. It is never looked for on PATH, and, since it is executed outside of the
 * sandbox, only used as long as it is the file that was found first.
 */
import { accessSync, constants, statSync } from 'node:fs'
import path from 'node:path'

import { packageRoot } from './package-root.ts'

export interface SeatbeltHelper {
  /** Absolute; null when it is not there. */
  readonly path: string | null
  /** Where it was looked for, or how it was found. */
  readonly how: string
}

const name = 'castellan-seatbelt'

/** Where a checkout and an installed package have it. What is packed into an archive of Electron cannot be executed there. */
export function seatbeltHelperPlaces(root: string, arch: string, execPath: string): string[] {
  const unpacked = root.replace(/\.asar(?=[\\/]|$)/, '.asar.unpacked')
  const prebuilt = `prebuilds/darwin-${arch}`
  return [
    path.join(unpacked, 'build/Release', name),
    path.join(unpacked, prebuilt, name),
    path.join(path.dirname(execPath), prebuilt, name),
  ]
}

/** `CASTELLAN_PREBUILD` is looked into instead of the package, as for the addon. */
export function findSeatbeltHelper(
  places = seatbeltHelperPlaces(process.env['CASTELLAN_PREBUILD'] ?? packageRoot, process.arch, process.execPath),
): SeatbeltHelper {
  const found = places.find(place => identityOf(place) !== null)
  if (found === undefined) return { path: null, how: `looked for ${places.join(' and ')}` }
  return { path: found, how: `found ${found}` }
}

const first = new Map<string, string>()

/** Whether the file is what it was when this was asked first. No process can set back the time of a file's last change. */
export function isUnchangedHelper(helper: string): boolean {
  const now = identityOf(helper)
  if (now === null) return false
  const before = first.get(helper)
  if (before === undefined) first.set(helper, now)
  return before === undefined || before === now
}

/** Null for what is not there or cannot be executed. */
function identityOf(place: string): string | null {
  try {
    accessSync(place, constants.X_OK)
    const found = statSync(place)
    return found.isFile() ? `${found.dev}:${found.ino}:${found.size}:${found.mtimeMs}:${found.ctimeMs}` : null
  } catch {
    return null
  }
}
