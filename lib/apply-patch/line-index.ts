/**
 * Finds a run of lines in a file. Lines become numbers, equal lines equal numbers, and each number knows where it occurs:
 * a run that holds a line the file lacks fails at once, one with a rare line is checked at that line's few places, and
 * only a run of common lines is searched for (Knuth, Morris and Pratt: one step per line, however the lines repeat).
 *
 * Each search is linear; many failing searches over a file of repetitions would still multiply, so all the searches of
 * one index share a budget of steps.
 */

/** A search gives up by throwing this; `place.ts` turns it into an error with a place. */
export class SearchLimit extends Error {}

/** Steps are comparisons of two numbers, about a nanosecond each. */
const defaultBudget = 2 ** 28

/** With more places than this, walking through the file once is the better bound. */
const fewPlaces = 32

export class LineIndex {
  readonly #numbers: Int32Array
  readonly #numberOf = new Map<string, number>()
  /** The places of number n are `#places[#offsets[n]] … #places[#offsets[n + 1] - 1]`, ascending. */
  readonly #offsets: Int32Array
  readonly #places: Int32Array
  readonly #key: (text: string) => string
  #budget: number
  #buffer = new Int32Array(64)
  #pattern = new Int32Array(0)

  constructor(texts: readonly string[], key: (text: string) => string, budget = defaultBudget) {
    this.#key = key
    this.#budget = budget
    this.#numbers = new Int32Array(texts.length)
    let previous: string | undefined
    for (let index = 0; index < texts.length; index++) {
      const text = texts[index]!
      // Equal neighbours are told without looking them up.
      this.#numbers[index] = text === previous ? this.#numbers[index - 1]! : this.#number(key(text))
      previous = text
    }
    this.#offsets = this.#countOffsets()
    this.#places = this.#collectPlaces()
  }

  /** The first place at or after `start` where `pattern` (not empty) stands, or -1. Throws `SearchLimit`. */
  find(pattern: readonly string[], start: number): number {
    const wanted = this.#wanted(pattern)
    if (wanted === null || start + wanted.length > this.#numbers.length) return -1
    // The next hunk of a large patch most often follows at once.
    if (this.#standsAt(wanted, start)) return start
    const anchor = this.#rarest(wanted)
    const number = wanted[anchor]!
    const from = this.#firstPlace(number, start + anchor)
    const to = this.#offsets[number + 1]!
    if (to - from > fewPlaces) return this.#walk(wanted, start)
    for (let at = from; at < to; at++) {
      const place = this.#places[at]! - anchor
      if (this.#standsAt(wanted, place)) return place
    }
    return -1
  }

  /** True when `pattern` is the last of the file and begins at or after `start`. */
  endsWith(pattern: readonly string[], start: number): boolean {
    const wanted = this.#wanted(pattern)
    const place = this.#numbers.length - pattern.length
    return wanted !== null && place >= start && this.#standsAt(wanted, place)
  }

  #number(key: string): number {
    const known = this.#numberOf.get(key)
    if (known !== undefined) return known
    const number = this.#numberOf.size
    this.#numberOf.set(key, number)
    return number
  }

  #countOffsets(): Int32Array {
    const offsets = new Int32Array(this.#numberOf.size + 1)
    for (const number of this.#numbers) offsets[number + 1]!++
    for (let number = 1; number < offsets.length; number++) offsets[number]! += offsets[number - 1]!
    return offsets
  }

  #collectPlaces(): Int32Array {
    const places = new Int32Array(this.#numbers.length)
    const next = this.#offsets.slice()
    for (let index = 0; index < places.length; index++) places[next[this.#numbers[index]!]!++] = index
    return places
  }

  #wanted(pattern: readonly string[]): Int32Array | null {
    const wanted = this.#room(pattern.length)
    this.#spend(pattern.length)
    for (let index = 0; index < pattern.length; index++) {
      if (index > 0 && pattern[index] === pattern[index - 1]) {
        wanted[index] = wanted[index - 1]!
        continue
      }
      const number = this.#numberOf.get(this.#key(pattern[index]!))
      if (number === undefined) return null
      wanted[index] = number
    }
    return wanted
  }

  /** For the numbers of one pattern; the next call overwrites them. */
  #room(length: number): Int32Array {
    if (this.#pattern.length === length) return this.#pattern
    if (this.#buffer.length < length) this.#buffer = new Int32Array(length * 2)
    this.#pattern = this.#buffer.subarray(0, length)
    return this.#pattern
  }

  #rarest(wanted: Int32Array): number {
    let rarest = 0
    let fewest = Number.POSITIVE_INFINITY
    for (let index = 0; index < wanted.length; index++) {
      const number = wanted[index]!
      const count = this.#offsets[number + 1]! - this.#offsets[number]!
      if (count >= fewest) continue
      fewest = count
      rarest = index
    }
    return rarest
  }

  /** Where in `#places` the first place of `number` at or after `line` is. */
  #firstPlace(number: number, line: number): number {
    let low = this.#offsets[number]!
    let high = this.#offsets[number + 1]!
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#places[middle]! < line) low = middle + 1
      else high = middle
    }
    return low
  }

  #standsAt(wanted: Int32Array, place: number): boolean {
    if (place < 0 || place + wanted.length > this.#numbers.length) return false
    let index = 0
    while (index < wanted.length && this.#numbers[place + index] === wanted[index]) index++
    this.#spend(index + 1)
    return index === wanted.length
  }

  #walk(wanted: Int32Array, start: number): number {
    const fallback = fallbackTable(wanted)
    let matched = 0
    for (let index = start; index < this.#numbers.length; index++) {
      while (matched > 0 && this.#numbers[index] !== wanted[matched]) matched = fallback[matched - 1]!
      if (this.#numbers[index] === wanted[matched]) matched++
      if (matched === wanted.length) {
        this.#spend(index - start)
        return index - matched + 1
      }
    }
    this.#spend(this.#numbers.length - start)
    return -1
  }

  #spend(steps: number): void {
    this.#budget -= steps
    if (this.#budget < 0) throw new SearchLimit('the search takes too many steps')
  }
}

/** For each prefix of `wanted`, the length of its longest proper prefix that is also its end. */
function fallbackTable(wanted: Int32Array): Int32Array {
  const table = new Int32Array(wanted.length)
  let matched = 0
  for (let index = 1; index < wanted.length; index++) {
    while (matched > 0 && wanted[index] !== wanted[matched]) matched = table[matched - 1]!
    if (wanted[index] === wanted[matched]) matched++
    table[index] = matched
  }
  return table
}
