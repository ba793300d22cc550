/**
 * Where entry directories may be: nowhere that another user, or a command in a sandbox, could put programs of its own in their
 * place. The default is beneath Codex's home, which the protections of a workspace keep read-only even where the home
 * directory itself is the workspace.
 */
import { chmodSync, lstatSync, mkdirSync, realpathSync, type Stats } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'

import { EntryError, OptionError } from '../errors.ts'

/** `$CODEX_HOME/tmp/arg0`, or the same in `~/.codex`. */
export function defaultParent(): string {
  const home = process.env['CODEX_HOME']
  return join(home === undefined || home === '' ? join(homedir(), '.codex') : home, 'tmp', 'arg0')
}

/** Makes `parent` where it is missing, for its owner only, and gives its real path. Throws EntryError when it is not safe. */
export function safeParent(parent: string): string {
  if (!isAbsolute(parent)) throw new OptionError('parent', 'parent must be an absolute path')
  // Before anything is made: what exists of the path decides.
  checkAncestors(realpathSync(existingPart(parent)))
  mkdirSync(parent, { recursive: true, mode: 0o700 })
  const path = realpathSync(parent)
  checkAncestors(path)
  const stats = lstatSync(path)
  if (stats.uid !== process.getuid?.()) throw unsafe(path, path, 'foreign-owner', 'it belongs to another user')
  if ((stats.mode & 0o077) !== 0) chmodSync(path, 0o700)
  return path
}

function existingPart(path: string): string {
  const exists = lstatSync(path, { throwIfNoEntry: false }) !== undefined
  return exists || dirname(path) === path ? path : existingPart(dirname(path))
}

function checkAncestors(path: string): void {
  for (let current = path; ; current = dirname(current)) {
    checkOne(path, current, lstatSync(current))
    if (dirname(current) === current) return
  }
}

/** A sticky bit is no help: /tmp is what commands in a sandbox may write. */
function checkOne(path: string, current: string, stats: Stats): void {
  if (!stats.isDirectory()) throw unsafe(path, current, 'not-a-directory', 'it is not a directory')
  if ((stats.mode & 0o002) !== 0) throw unsafe(path, current, 'world-writable', 'everybody may write there')
  const foreign = stats.uid !== 0 && stats.uid !== process.getuid?.()
  if (foreign) throw unsafe(path, current, 'foreign-owner', 'it belongs to another user')
  const foreignGroup = stats.gid !== 0 && stats.gid !== process.getgid?.()
  if (foreignGroup && (stats.mode & 0o020) !== 0)
    throw unsafe(path, current, 'group-writable', 'a group may write there')
}

function unsafe(path: string, current: string, reason: EntryError['reason'], cause: string): EntryError {
  const where = current === path ? '' : ` because of ${current}`
  return new EntryError(`cannot make entries in ${path}${where}: ${cause}`, { reason, path: current })
}
