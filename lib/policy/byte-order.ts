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

/** Puts items in place into the order of the bytes of their paths, and tells whether two have the same one. */
export function sortByPath(items: { readonly path: string }[]): boolean {
  const compare = items.some(({ path }) => BEYOND.test(path)) ? compareBytes : compareUnits
  let isRepeated = false
  // Those with the same path end up side by side, which no sort can tell without comparing them.
  items.sort((one, other) => {
    const order = compare(one.path, other.path)
    isRepeated ||= order === 0
    return order
  })
  return isRepeated
}

function compareUnits(left: string, right: string): number {
  if (left === right) return 0
  return left < right ? -1 : 1
}
