/**
 * A JSON text and where its members stand (RFC 8259). `JSON.parse` decides what the text means; this finds the places that it does
 * not tell, and what it passes over: a member that is there twice, of which the last would win without a word.
 *
 * Nothing here calls itself, so that no nesting is too deep for the stack.
 */

/** Names and indexes on the way to a value. */
export type JsonPath = readonly (string | number)[]

interface ObjectFrame {
  readonly names: Set<string>
  name: string
}

interface ListFrame {
  index: number
}

type Frame = ObjectFrame | ListFrame

/** Told of every member and item: the way to it, where it begins, and whether its name was there before. */
export type JsonVisitor = (path: () => JsonPath, depth: number, key: number, repeated: boolean) => void

const QUOTE = 34
const BACKSLASH = 92
const COMMA = 44
const COLON = 58
const OPEN_BRACKET = 91
const CLOSE_BRACKET = 93
const OPEN_BRACE = 123
const CLOSE_BRACE = 125

const BLANKS = /[ \t\n\r]*/y
const WORD = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y

/** The text is no JSON; `offset` is the first character that cannot be there. */
class Stopped extends Error {
  readonly offset: number

  constructor(offset: number) {
    super('no JSON')
    this.offset = offset
  }
}

class Walk {
  readonly #text: string
  readonly #visit: JsonVisitor
  readonly #frames: Frame[] = []
  #at = 0

  constructor(text: string, visit: JsonVisitor) {
    this.#text = text
    this.#visit = visit
  }

  run(): void {
    this.#value()
    while (this.#frames.length > 0) this.#afterValue()
    this.#skip(BLANKS)
    if (this.#at < this.#text.length) throw new Stopped(this.#at)
  }

  #skip(pattern: RegExp): number {
    pattern.lastIndex = this.#at
    const length = pattern.exec(this.#text)?.[0].length ?? 0
    this.#at += length
    return length
  }

  /** The next character that is no blank, without passing it. */
  #next(): number {
    this.#skip(BLANKS)
    return this.#text.charCodeAt(this.#at)
  }

  #value(): void {
    const character = this.#next()
    if (character === OPEN_BRACE) {
      this.#at++
      this.#frames.push({ names: new Set(), name: '' })
      if (this.#next() === CLOSE_BRACE) this.#close()
      else this.#member()
    } else if (character === OPEN_BRACKET) {
      this.#at++
      this.#frames.push({ index: 0 })
      if (this.#next() === CLOSE_BRACKET) this.#close()
      else this.#item()
    } else if (character === QUOTE) this.#string()
    else if (this.#skip(WORD) === 0) throw new Stopped(this.#at)
  }

  #close(): void {
    this.#at++
    this.#frames.pop()
  }

  #string(): string {
    const start = this.#at++
    for (;;) {
      const character = this.#text.charCodeAt(this.#at)
      if (character === QUOTE) break
      // Not a number beyond the end.
      if (!(character >= 0x20)) throw new Stopped(this.#at)
      if (character !== BACKSLASH) this.#at++
      else if (this.#skip(ESCAPE) === 0) throw new Stopped(this.#at)
    }
    this.#at++
    return this.#text.slice(start, this.#at)
  }

  #path(): JsonPath {
    return this.#frames.map(frame => ('index' in frame ? frame.index : frame.name))
  }

  #member(): void {
    const frame = this.#frames.at(-1) as ObjectFrame
    if (this.#next() !== QUOTE) throw new Stopped(this.#at)
    const key = this.#at
    frame.name = JSON.parse(this.#string()) as string
    const repeated = frame.names.has(frame.name)
    frame.names.add(frame.name)
    this.#visit(() => this.#path(), this.#frames.length, key, repeated)
    if (this.#next() !== COLON) throw new Stopped(this.#at)
    this.#at++
    this.#value()
  }

  #item(): void {
    this.#skip(BLANKS)
    this.#visit(() => this.#path(), this.#frames.length, this.#at, false)
    this.#value()
  }

  #afterValue(): void {
    const frame = this.#frames.at(-1)!
    const character = this.#next()
    const isList = 'index' in frame
    if (character === (isList ? CLOSE_BRACKET : CLOSE_BRACE)) this.#close()
    else if (character !== COMMA) throw new Stopped(this.#at)
    else {
      this.#at++
      if (isList) {
        frame.index++
        this.#item()
      } else this.#member()
    }
  }
}

/** Visits every member and item in the order of the text. Gives the offset at which the text stops being JSON, or null. */
export function visitJson(text: string, visit: JsonVisitor): number | null {
  try {
    new Walk(text, visit).run()
    return null
  } catch (error) {
    if (error instanceof Stopped) return error.offset
    throw error
  }
}
