/** One rule: what is decided about a path, with what stands there now. */
import { type AbsolutePath, ancestorsOf, parentOf } from './path.ts'
import type { Access, AccessRule, FileSystemView, RuleOrigin } from './types.ts'

/** The rule, frozen. `path` is canonical. */
export function ruleAt(path: AbsolutePath, access: Access, origin: RuleOrigin, files: FileSystemView): AccessRule {
  Object.freeze(origin)
  const target = files.kindOf(path)
  const first = target === 'missing' && access !== 'write' ? firstMissing(path, files) : null
  return Object.freeze(
    first === null ? { path, access, target, origin } : { path, access, target, firstMissing: first, origin },
  )
}

/** Null when something on the way is no directory: then more than a directory entry keeps the path from existing. */
function firstMissing(path: AbsolutePath, files: FileSystemView): AbsolutePath | null {
  if (files.kindOf(parentOf(path)) === 'directory') return path
  for (const place of ancestorsOf(path)) {
    const kind = files.kindOf(place)
    if (kind !== 'directory') return kind === 'missing' ? place : null
  }
  return null
}
