/**
 * The directory that holds the login, and the names derived from it (auth.md §4 and §6).
 */
import { createHash } from 'node:crypto'
import { realpathSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { AuthError } from '../errors.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The home directory: `CODEX_HOME` when it is set and not empty, else `.codex` in the user's own.
 *
 * @throws AuthError `home_missing` or `home_not_a_directory` for a `CODEX_HOME` that cannot be used. The default is not
 * checked: it is made at the first login.
 */
export function resolveHome(environment: Environment = process.env): string {
  const explicit = environment['CODEX_HOME']
  if (!explicit) return join(environment['HOME'] || environment['USERPROFILE'] || homedir(), '.codex')
  const stats = statSync(explicit, { throwIfNoEntry: false })
  if (stats === undefined) throw new AuthError('home_missing', { location: explicit })
  if (!stats.isDirectory()) throw new AuthError('home_not_a_directory', { location: explicit })
  return realpathSync(explicit)
}

/** The keyring account of a home: `cli|` and 16 hexadecimal digits of the digest of its canonical path. */
export function keyringAccount(home: string): string {
  return `cli|${createHash('sha256').update(canonical(home)).digest('hex').slice(0, 16)}`
}

/** The path with its links resolved, or as given when it does not exist. */
export function canonical(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
