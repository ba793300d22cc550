/**
 * What a host's own file tools must not read (spec L6-6). Stricter than access: exact entries deny all below them, deeper grants
 * or not, and every path is tried as spelled and as the disk has it.
 */
import { questionPath } from './access.ts'
import { compileGlob, type Glob, matchesGlobs } from './glob.ts'
import { type AbsolutePath, contains } from './path.ts'
import type { FileSystemSandboxPolicy } from './policy.ts'
import { rootContext, unreadableGlobs, unreadableRoots } from './roots.ts'
import type { FileSystemView, Surroundings } from './types.ts'

function spellings(path: AbsolutePath, files: FileSystemView): AbsolutePath[] {
  const real = files.realPath(path)
  return real === null || real === path ? [path] : [path, real]
}

/**
 * A test for many paths. The roots are taken from the disk once, the paths each time they are asked about. A pattern that cannot
 * be read denies everything.
 */
export function readDenyTest(policy: FileSystemSandboxPolicy, surroundings: Surroundings): (path: string) => boolean {
  const { files } = surroundings
  if (policy.kind !== 'restricted' || !policy.entries.some(entry => entry.access === 'none')) return () => false
  const context = rootContext(policy, surroundings, '2026-06')
  const globs = unreadableGlobs(context).map(compileGlob)
  const readable = globs.filter((glob): glob is Glob => glob !== null)
  if (readable.length < globs.length) return () => true
  const roots = unreadableRoots(context).flatMap(root => spellings(root, files))
  return text => {
    const asked = spellings(questionPath(text, surroundings), files)
    return asked.some(path => roots.some(root => contains(root, path)) || matchesGlobs(readable, path))
  }
}
