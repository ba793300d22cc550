/** The environment of this process as it was started with, for a command that gets the same (spec/linux 2 and 9.1). */
import { readFileSync } from 'node:fs'

import { type Environment, verbatim } from '../process/environment.ts'

/** `changed`: variables that the command gets with another value. Everything else stays, byte for byte and in its order. */
export function ownEnvironment(changed: Readonly<Record<string, string>> = {}): Environment {
  const lines = startingLines().map(line => {
    const name = line.subarray(0, Math.max(0, line.indexOf(0x3d))).toString('utf8')
    return Object.hasOwn(changed, name) ? Buffer.from(`${name}=${changed[name]}`, 'utf8') : line
  })
  return verbatim({ ...process.env, ...changed }, lines)
}

/** Node reads variables as UTF-8 and shows one of each name; the kernel keeps what was passed. */
function startingLines(): Buffer[] {
  const bytes = readFileSync('/proc/self/environ')
  const lines: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at)
    lines.push(bytes.subarray(at, end < 0 ? bytes.length : end))
    at = end < 0 ? bytes.length : end + 1
  }
  return lines
}
