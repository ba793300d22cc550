/**
 * "Did you mean": the accepted word that is closest to one that was refused. Only for messages; nothing is ever accepted
 * because it is close.
 */

const LONGEST = 48

/** The number of single-character edits between two words (Levenshtein). */
function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const replaced = previous[column - 1]! + (left[row - 1] === right[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, previous[column]! + 1, current[column - 1]! + 1))
    }
    previous = current
  }
  return previous[right.length]!
}

// `networkAccess`, `network-access` and `network_access` differ in dialect, not in meaning.
function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[-_ ]/g, '')
}

/** The accepted word closest to `word`, or null when none is close enough to be meant. */
export function closestWord(word: string, accepted: readonly string[]): string | null {
  if (word.length > LONGEST) return null
  let best: string | null = null
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of accepted) {
    const distance = editDistance(plain(word), plain(candidate))
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return bestDistance <= Math.max(1, Math.floor(word.length / 3)) ? best : null
}
