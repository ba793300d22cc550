import { existsSync, statSync } from 'node:fs'
import path from 'node:path'

import { UsageError } from './usage-error.ts'

/** The absolute path of a directory given with an option. @throws {UsageError} when there is none */
export function existingDirectory(option: string, given: string): string {
  const absolute = path.resolve(given)
  let problem = 'there is no such directory'
  try {
    if (statSync(absolute).isDirectory()) return absolute
    problem = 'this is not a directory'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR') problem = code ?? problem
  }
  throw new UsageError(`${option} ${given}: ${problem}`)
}

/** The absolute path of a directory that may be made later. @throws {UsageError} when something else is there */
export function possibleDirectory(option: string, given: string): string {
  const absolute = path.resolve(given)
  return existsSync(absolute) ? existingDirectory(option, given) : absolute
}
