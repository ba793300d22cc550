/** Places in a text, as an editor counts them. */

export interface TextPlace {
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number
}

/** The place of an offset into a text; line ends are LF, CRLF and CR. */
export function textPlace(text: string, offset: number): TextPlace {
  const lines = text.slice(0, offset).split(/\r\n|\n|\r/)
  return { line: lines.length, column: lines.at(-1)!.length + 1 }
}

/** `line 4, column 9`. */
export function describePlace({ line, column }: TextPlace): string {
  return `line ${line}, column ${column}`
}

/** Where a member of a document stands: its name, and its value. */
export interface MemberOffsets {
  readonly key: number
  readonly value: number
}

/** The members of a document by the names and indexes on the way to them. */
export class MemberPlaces {
  readonly #offsets = new Map<string, MemberOffsets>()

  /** The first mention of a member is the one that counts. */
  note(path: readonly (string | number)[], offsets: MemberOffsets): void {
    const name = nameOf(path)
    if (!this.#offsets.has(name)) this.#offsets.set(name, offsets)
  }

  /** The member, or the nearest one around it that the document mentions. */
  find(path: readonly PropertyKey[]): MemberOffsets | null {
    for (let length = path.length; length > 0; length--) {
      const found = this.#offsets.get(nameOf(path.slice(0, length)))
      if (found !== undefined) return found
    }
    return null
  }
}

function nameOf(path: readonly PropertyKey[]): string {
  return JSON.stringify(path.map(String))
}
