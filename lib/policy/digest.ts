/**
 * The digest of a resolved policy: by it a host tells whether two runs were held to the same. Equal meaning in equal surroundings
 * gives an equal digest; what is only for people (origins, spellings) has no part in it, and neither has what no plan is made
 * from: the root lists of the specification, but for the names of the writable roots.
 */
import { createHash } from 'node:crypto'
import { unreadableGlobs } from './roots.ts'
import type { Access, FileKind, ResolvedPolicy, Surroundings } from './types.ts'

/** Texts are passed on in pieces of about so many characters: one long text would be put together, and copied, at once. */
const PIECE = 1 << 14

const ACCESSES = ['none', 'read', 'write'] as const
const KINDS = ['directory', 'file', 'symlink', 'other', 'missing'] as const

/** What follows the path of a rule, by its access and what stands there: made once, not once per rule. */
const TAILS = Object.fromEntries(
  ACCESSES.map(access => [access, Object.fromEntries(KINDS.map(kind => [kind, `\0${access}\0${kind}\0`]))]),
) as Readonly<Record<Access, Readonly<Record<FileKind, string>>>>

/** Each part with a NUL behind it, which no path and no word holds; lists with their length before them. */
class Meaning {
  readonly #hash = createHash('sha256')
  #text = ''

  add(part: string, tail = '\0'): void {
    this.#text += part
    this.#text += tail
    if (this.#text.length < PIECE) return
    this.#hash.update(this.#text)
    this.#text = ''
  }

  addList(parts: readonly string[]): void {
    this.add(String(parts.length))
    for (const part of parts) this.add(part)
  }

  digest(): string {
    return this.#hash.update(this.#text).digest('hex')
  }
}

/** SHA-256 in hexadecimal digits. Lists without an order of their own are sorted. */
export function digestOf(resolved: Omit<ResolvedPolicy, 'digest'>, surroundings: Surroundings): string {
  const meaning = new Meaning()
  meaning.addList(['castellan-policy/3', resolved.kind, resolved.network, resolved.cwd])
  for (const name of ['needsDirectEnforcement', 'fullDiskRead', 'fullDiskWrite', 'platformDefaults'] as const) {
    meaning.add(String(resolved[name]))
  }
  // A host knows a root as writable even where a rule beats it: it looks there for no program of its own.
  meaning.addList(resolved.writableRoots.map(({ root }) => root).sort())
  meaning.add(String(resolved.rules.length))
  resolved.rules.forEach(({ path, access, target, firstMissing }) => {
    meaning.add(path, TAILS[access][target])
    // Where a part of the path ends; no path begins with a digit.
    if (firstMissing !== undefined) meaning.add(String(firstMissing.length))
  })
  // What patterns match now is among the rules; what they would match later is not.
  if (resolved.globs !== null) meaning.addList(unreadableGlobs({ policy: resolved.fileSystem, surroundings }))
  return meaning.digest()
}
