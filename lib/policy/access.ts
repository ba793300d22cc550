/**
 * The reference answer: what a policy intends for a path (spec ACC-1 … ACC-12). Lexical by definition: links are followed
 * neither in entries nor in the question. What a plan must enforce is `rules.ts`; the two agree wherever no link is passed
 * and no default protection stands.
 */
import type { AccessIndex } from './access-index.ts'
import { keptIndex } from './kept-index.ts'
import { MAIN_MODEL, type Model } from './model.ts'
import { type AbsolutePath, isAbsolute, normalizeAbsolute, resolvePath } from './path.ts'
import type { FileSystemAccess, FileSystemSandboxPolicy } from './policy.ts'
import { protectedNameAt } from './protected-names.ts'
import type { ProtectedName } from './protections.ts'
import type { Surroundings } from './types.ts'
import { hasFullDiskWrite } from './whole-disk.ts'

export { type AccessIndex, indexAccess, isStronger, type ResolvedEntry, resolveEntries } from './access-index.ts'

/** ACC-6: the path a question is about. Relative ones belong to the policy's working directory, `~` is expanded. */
export function questionPath(text: string, surroundings: Surroundings): AbsolutePath {
  if (isAbsolute(text)) return normalizeAbsolute(text)
  return resolvePath(text, normalizeAbsolute(surroundings.policyCwd), surroundings.home)
}

/**
 * The access a policy intends for a path. The index of a policy that is frozen, as every policy from this library is, is kept for
 * the next question in the same surroundings.
 *
 * Beware: intent is lexical. Before a host writes to a path by itself it must also ask about the canonical spelling.
 */
export function accessOf(policy: FileSystemSandboxPolicy, surroundings: Surroundings, path: string): FileSystemAccess {
  const index = keptIndex(policy, surroundings)
  return index.accessOfText(path) ?? index.accessAt(questionPath(path, surroundings))
}

/** Whether the policy intends the path to be readable. */
export function canRead(policy: FileSystemSandboxPolicy, surroundings: Surroundings, path: string): boolean {
  return accessOf(policy, surroundings, path) !== 'none'
}

/**
 * Whether the policy intends the path to be writable. In March default protections are not part of the answer (META-7); in June
 * protected names are (L6-7).
 */
export function canWrite(
  policy: FileSystemSandboxPolicy,
  surroundings: Surroundings,
  path: string,
  model: Model = MAIN_MODEL,
): boolean {
  const access = keptIndex(policy, surroundings)
  return isWritable(policy, access, questionPath(path, surroundings), model)
}

/** `canWrite` for a path that is absolute, with an index that was made before. */
export function isWritable(
  policy: FileSystemSandboxPolicy,
  access: AccessIndex,
  path: AbsolutePath,
  model: Model,
): boolean {
  if (access.accessAt(path) !== 'write') return false
  return model === '2026-03' || hasFullDiskWrite(policy) || protectedNameAt(path, access) === null
}

/** L6-7: the protected name because of which a command may not write to the path; null when there is no such reason. */
export function forbiddenName(
  policy: FileSystemSandboxPolicy,
  surroundings: Surroundings,
  path: string,
): ProtectedName | null {
  if (policy.kind !== 'restricted') return null
  const access = keptIndex(policy, surroundings)
  const asked = questionPath(path, surroundings)
  return isWritable(policy, access, asked, '2026-06') ? null : protectedNameAt(asked, access)
}
