/**
 * The macOS helper from its own sources, with a stub in the place of the call that applies a profile. It is the same program but
 * for that: it confines nothing.
 */
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const native = fileURLToPath(new URL('../../native/macos/', import.meta.url))

/** Why it cannot be built here; null when it can. */
export const compilerMissing = (() => {
  try {
    execFileSync('c++', ['--version'], { stdio: 'ignore' })
    return null
  } catch {
    return 'needs a C++ compiler (c++), found none'
  }
})()

/** Builds it into the folder. Takes seconds. */
export function buildSeatbeltStub(folder: string): string {
  const helper = path.join(folder, 'castellan-seatbelt')
  const sources = ['helper.cc', 'frame.cc', 'seatbelt_stub.cc'].map(name => path.join(native, name))
  const flags = ['-std=c++20', '-O1', '-fno-exceptions', '-fno-rtti', '-Wall', '-Wextra', '-Werror']
  execFileSync('c++', [...flags, ...sources, '-o', helper], { stdio: ['ignore', 'ignore', 'pipe'] })
  return helper
}
