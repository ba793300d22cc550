/**
 * Letter case. On the usual volumes of macOS `.Git` is `.git`: what is there has one name, which is what rules stand on (the
 * canonical form, `policy/canonical.ts`), but what is missing may come into being in any case. So whatever a policy closes
 * where nothing stands is closed in every case, on volumes that tell cases apart as well.
 */
import { type AbsolutePath, baseNameOf, parentOf, ROOT, relativeTo } from '../../policy/path.ts'
import { PathTree } from '../../policy/path-tree.ts'
import type { AccessRule } from '../../policy/types.ts'

/** Names below a directory that stay closed in every letter case. */
export interface FoldedPath {
  readonly base: AbsolutePath
  /** One below the other; at least one. */
  readonly names: readonly string[]
  readonly access: 'read' | 'none'
}

/** The protected names at the top of writable roots, and what a policy closes inside them where nothing stands yet. */
export function foldedPathsOf(rules: readonly AccessRule[]): FoldedPath[] {
  const filed = new PathTree<AccessRule>()
  for (const rule of rules) filed.add(rule.path, rule)
  return rules.flatMap((rule): FoldedPath[] => {
    const { path, access, origin, target } = rule
    if (access === 'write' || path === ROOT) return []
    if (origin.kind === 'protection' && origin.name === baseNameOf(path) && origin.name.startsWith('.')) {
      return [{ base: parentOf(path), names: [origin.name], access }]
    }
    // Where nothing can be made, nothing comes into being.
    if (target !== 'missing' || !canBeMade(filed, rule)) return []
    const base = parentOf(rule.firstMissing ?? path)
    return [{ base, names: relativeTo(base, path).split('/'), access }]
  })
}

/** Some directory on the way from what stands to the path is one that a command may write in. */
function canBeMade(filed: PathTree<AccessRule>, { path, firstMissing = path }: AccessRule): boolean {
  for (let place = parentOf(path); ; place = parentOf(place)) {
    if (filed.deepestAbove(place)[0]?.access === 'write') return true
    if (place === ROOT || place === parentOf(firstMissing)) return false
  }
}

/** The names as a pattern, beginning with a separator. */
export function foldedPattern(names: readonly string[]): string {
  return names.map(name => `/${[...name.normalize('NFC')].map(anyCase).join('')}`).join('')
}

// One character beyond ASCII: up to four bytes of UTF-8. Written so that a profile for plain names is plain text.
const otherCharacter = '[^ -~]([^ -~]([^ -~][^ -~]?)?)?'

/**
 * A character in each of its forms: letter case, composed and decomposed. Two signs beyond ASCII fold to s and k (U+017F,
 * U+212A); in their place any such sign is closed.
 */
function anyCase(character: string): string {
  const ascii = /^[A-Za-z]$/.test(character)
  if (ascii && !/[skSK]/.test(character)) return `[${character.toLowerCase()}${character.toUpperCase()}]`
  if (ascii) return `([${character.toLowerCase()}${character.toUpperCase()}]|${otherCharacter})`
  if (/[\0-\x7f]/.test(character)) return plain(character)
  const cases = [character, character.toLowerCase(), character.toUpperCase(), character.toUpperCase().toLowerCase()]
  const forms = new Set(cases.flatMap(form => [form, form.normalize('NFC'), form.normalize('NFD')]))
  return `(${[...forms].map(form => [...form].map(plain).join('')).join('|')})`
}

/** What a string of a profile might read otherwise is any character instead. */
function plain(character: string): string {
  if (/["\\\p{Cc}]/u.test(character)) return '[^/]'
  return /[\^$.|?*+()[\]{}-]/.test(character) ? `\\${character}` : character
}

/** What a volume that ignores letter case takes for one name. */
function folded(path: string): string {
  return path.normalize('NFD').toUpperCase().toLowerCase().normalize('NFC')
}

/** Two rules of different access for what would be one file there, where at least one of the two is missing; null: none. */
export function caseTwins(rules: readonly AccessRule[]): readonly [AccessRule, AccessRule] | null {
  const byName = new Map<string, AccessRule>()
  for (const rule of rules) {
    if (rule.origin.kind === 'platform-default') continue
    const key = folded(rule.path)
    const other = byName.get(key)
    if (other === undefined) byName.set(key, rule)
    else if (other.access !== rule.access && (other.target === 'missing' || rule.target === 'missing')) {
      return [other, rule]
    }
  }
  return null
}
