/** The helper program of Windows lies beside the addon; it is never looked for on PATH. */
import path from 'node:path'

import { packageRoot } from './package-root.ts'
import { findSeatbeltHelper, type SeatbeltHelper } from './seatbelt-helper.ts'
import { windowsHelperName } from './windows-binding.ts'

export type WindowsHelper = SeatbeltHelper

/** Where a checkout and an installed package have it. What is packed into an archive of Electron cannot be executed there. */
export function windowsHelperPlaces(root: string, arch: string, execPath: string): string[] {
  const unpacked = root.replace(/\.asar(?=[\\/]|$)/, '.asar.unpacked')
  const prebuilt = `prebuilds/win32-${arch}`
  return [
    path.join(unpacked, 'build/Release', windowsHelperName),
    path.join(unpacked, prebuilt, windowsHelperName),
    path.join(path.dirname(execPath), prebuilt, windowsHelperName),
  ]
}

/** `CASTELLAN_PREBUILD` is looked into instead of the package, as for the addon. */
export function findWindowsHelper(
  places = windowsHelperPlaces(process.env['CASTELLAN_PREBUILD'] ?? packageRoot, process.arch, process.execPath),
): WindowsHelper {
  return findSeatbeltHelper(places)
}
