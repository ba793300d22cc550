/** What an entry's path stands for in given surroundings (spec SPEC-1). Lexical; only `/tmp` is looked at. */
import { unreachable } from '../errors.ts'
import { type AbsolutePath, ROOT, resolvePath } from './path.ts'
import type { FileSystemPath, FileSystemSpecialPath } from './policy.ts'
import type { Surroundings } from './types.ts'

const SLASH_TMP = '/tmp' as AbsolutePath

/** The path of a special place that needs no more than its name. */
export function special(kind: Exclude<FileSystemSpecialPath['kind'], 'unknown'>): FileSystemPath {
  return { type: 'special', value: { kind } }
}

/** `/tmp`, when it is a directory. */
export function slashTmp(surroundings: Surroundings): AbsolutePath | null {
  return surroundings.files.targetKindOf(SLASH_TMP) === 'directory' ? SLASH_TMP : null
}

/** `$TMPDIR` made absolute; it need not exist. Relative values belong to the process, not to the policy. */
export function temporaryDirectory(surroundings: Surroundings): AbsolutePath | null {
  const { temporaryDirectory: given, processCwd, home } = surroundings
  return given === undefined || given === '' ? null : resolvePath(given, processCwd, home)
}

function resolveSpecial(special: FileSystemSpecialPath, surroundings: Surroundings): AbsolutePath | null {
  const { policyCwd, home } = surroundings
  switch (special.kind) {
    case 'root':
      return ROOT
    case 'current_working_directory':
      return policyCwd
    case 'project_roots':
      return special.subpath === undefined ? policyCwd : resolvePath(special.subpath, policyCwd, home)
    case 'tmpdir':
      return temporaryDirectory(surroundings)
    case 'slash_tmp':
      return slashTmp(surroundings)
    case 'minimal':
    case 'unknown':
      return null
    default:
      return unreachable(special)
  }
}

/**
 * The path an entry is about, not canonical; null when it stands for no place here. A pattern never does: it has no part in
 * access (L6-5).
 */
export function resolveEntryPath(path: FileSystemPath, surroundings: Surroundings): AbsolutePath | null {
  switch (path.type) {
    case 'path':
      return path.path
    case 'special':
      return resolveSpecial(path.value, surroundings)
    case 'glob_pattern':
      return null
    default:
      return unreachable(path)
  }
}

/** An entry's path for a person: as written, or the special name with a colon. */
export function spellingOf(path: FileSystemPath): string {
  if (path.type === 'path') return path.path
  if (path.type === 'glob_pattern') return path.pattern
  const { value } = path
  if (value.kind === 'project_roots' && value.subpath !== undefined) return `:project_roots/${value.subpath}`
  if (value.kind === 'unknown') return value.subpath === undefined ? value.path : `${value.path}/${value.subpath}`
  return `:${value.kind}`
}
