/**
 * Orders text by its UTF-8 bytes. `<` orders by UTF-16 units, which puts U+10000 before U+E000; a locale would be worse.
 */

// Moves surrogates behind the rest of the basic plane, where the code points they stand for belong.
function rank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}

export function compareBytes(left: string, right: string): number {
  if (left === right) return 0
  const shorter = Math.min(left.length, right.length)
  for (let index = 0; index < shorter; index++) {
    const one = left.charCodeAt(index)
    const other = right.charCodeAt(index)
    if (one !== other) return rank(one) - rank(other)
  }
  return left.length - right.length
}

// From here on the two orders differ.
const BEYOND = /[\ud800-\uffff]/

/** Sorted by bytes. Where the order of UTF-16 is the same, the engine's own sort does it in a fraction of the time. */
export function sortBytes<Text extends string>(texts: readonly Text[]): Text[] {
  return texts.some(text => BEYOND.test(text)) ? [...texts].sort(compareBytes) : [...texts].sort()
}

/** Puts items in place into the order of the bytes of their paths. */
export function sortByPath(items: { readonly path: string }[]): void {
  const compare = items.some(({ path }) => BEYOND.test(path)) ? compareBytes : compareUnits
  items.sort((one, other) => compare(one.path, other.path))
}

function compareUnits(left: string, right: string): number {
  if (left === right) return 0
  return left < right ? -1 : 1
}
