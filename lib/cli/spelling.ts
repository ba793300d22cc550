/**
 * The word that a misspelt one was probably meant to be.
 */

/** `; did you mean "workspace-write"?`, or nothing when no word is close. */
export function suggestion(found: string, words: readonly string[]): string {
  const closest = closestWord(found, words)
  return closest === undefined ? '' : `; did you mean ${closest}?`
}

/** Close: the beginning of exactly one word, or at most a third of its characters (one at least) differ. */
function closestWord(found: string, words: readonly string[]): string | undefined {
  const plain = found.toLowerCase()
  const begun = plain.length < 3 ? [] : words.filter(word => word.startsWith(plain))
  if (begun.length === 1) return begun[0]
  const ranked = words
    .map(word => ({ word, distance: distanceBetween(plain, word) }))
    .filter(({ word, distance }) => distance <= Math.max(1, Math.floor(word.length / 3)))
    .sort((a, b) => a.distance - b.distance)
  return ranked[0]?.word
}

/** Insertions, deletions and replacements from one word to the other, two swapped neighbours counting once. */
function distanceBetween(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : replaced
      next.push(Math.min(replaced, swapped, row[j]! + 1, next[j - 1]! + 1))
    }
    before = row
    row = next
  }
  return row[b.length]!
}
