/**
 * Where the keys of a TOML text stand (https://toml.io/en/v1.0.0). For error messages only: the text has been read by
 * smol-toml before, which is who decides what it means, so that this may take it for well-formed.
 */
import { parse } from 'smol-toml'
import { MemberPlaces } from './text-place.ts'

type Path = readonly (string | number)[]

class Scanner {
  readonly places = new MemberPlaces()
  readonly #text: string
  readonly #items = new Map<string, number>()
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): void {
    let table: Path = []
    for (;;) {
      this.#skip(/(?:[\s\uFEFF]|#[^\n]*)*/y)
      if (this.#at >= this.#text.length) return
      if (this.#peek('[')) table = this.#header()
      else this.#pair(table)
    }
  }

  #peek(text: string): boolean {
    return this.#text.startsWith(text, this.#at)
  }

  /** Moves behind what the sticky pattern matches, and returns it. */
  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  /** `[a.b]` or `[[a.b]]`. */
  #header(): Path {
    const start = this.#at
    const repeated = this.#peek('[[')
    this.#skip(/\[\[?/y)
    const path = this.#key([], start)
    this.#skip(/[ \t]*\]\]?/y)
    if (!repeated) return path
    const name = JSON.stringify(path)
    const index = this.#items.get(name) ?? 0
    this.#items.set(name, index + 1)
    const item = [...path, index]
    this.places.note(item, { key: start, value: start })
    return item
  }

  /** A dotted key. Every part is noted; only the last one has the value. */
  #key(table: Path, valueAt: number | null): Path {
    const parts: { name: string; at: number }[] = []
    do {
      this.#skip(/[ \t]*/y)
      const at = this.#at
      const written = this.#skip(/"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s.=\]"'#]+/y)
      if (written === '') throw new Error('no key')
      parts.push({ name: nameOf(written), at })
      this.#skip(/[ \t]*/y)
    } while (this.#skip(/\./y) !== '')
    const behind = this.#at
    this.#skip(/=[ \t]*/y)
    const value = valueAt ?? this.#at
    this.#at = behind
    let path = table
    for (const [index, { name, at }] of parts.entries()) {
      path = [...path, name]
      this.places.note(path, { key: at, value })
      if (index < parts.length - 1) path = this.#current(path)
    }
    return path
  }

  /** A name that stands for a list of tables means its last table. */
  #current(path: Path): Path {
    const items = this.#items.get(JSON.stringify(path))
    return items === undefined ? path : [...path, items - 1]
  }

  #pair(table: Path): void {
    const path = this.#key(table, null)
    this.#skip(/=[ \t]*/y)
    this.#value(path)
  }

  #value(path: Path): void {
    if (this.#peek('{')) this.#inlineTable(path)
    else if (this.#peek('[')) this.#list(path)
    else if (this.#peek('"') || this.#peek("'")) {
      this.#skip(/"""(?:[^\\]|\\[\s\S])*?"""+|'''[\s\S]*?'''+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/y)
    } else this.#skip(/[^,\]}\n#]*/y)
  }

  #inlineTable(path: Path): void {
    this.#at++
    for (;;) {
      this.#skip(/(?:[\s,]|#[^\n]*)*/y)
      if (this.#peek('}') || this.#at >= this.#text.length) break
      this.#pair(path)
    }
    this.#at++
  }

  #list(path: Path): void {
    this.#at++
    for (let index = 0; ; index++) {
      this.#skip(/(?:[\s,]|#[^\n]*)*/y)
      if (this.#peek(']') || this.#at >= this.#text.length) break
      const item = [...path, index]
      const start = this.#at
      this.places.note(item, { key: start, value: start })
      this.#value(item)
      // Only where no value can begin, as at a brace that closes nothing: the next item would be the same one.
      if (this.#at === start) throw new Error('no value')
    }
    this.#at++
  }
}

/** A key as its author means it: without quotes and escapes. */
function nameOf(written: string): string {
  if (!/^["']/.test(written)) return written
  return Object.keys(parse(`${written} = 0`))[0] ?? written
}

/** The places of all keys. A text that this cannot follow gives the places up to there. */
export function tomlPlaces(text: string): MemberPlaces {
  const scanner = new Scanner(text)
  try {
    scanner.document()
  } catch {
    // Only the message is poorer for it.
  }
  return scanner.places
}
