/**
 * Reads the text of a profile back (spec/macos F.1). It knows exactly what our renderer writes and throws on everything
 * else, so that it is also a check of what we hand to Seatbelt.
 */
import { InternalError } from '../../errors.ts'
import type { Sbpl } from './sbpl.ts'

/** The top level forms of a profile, comments left out. */
export function parseSbpl(text: string): Sbpl[] {
  const reader = new Reader(text)
  const forms: Sbpl[] = []
  for (let form = reader.next(); form !== null; form = reader.next()) forms.push(form)
  return forms
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** The next expression; null at the end of the text. */
  next(): Sbpl | null {
    this.#skipBlanks()
    const character = this.#text[this.#at]
    if (character === undefined) return null
    if (character === '(') return this.#list()
    if (character === ')') throw this.#wrong('a parenthesis closes what was never opened')
    if (character === '"') return { kind: 'string', text: this.#string(/[\\"]/) }
    if (character === '#' && this.#text[this.#at + 1] === '"') {
      this.#at++
      return { kind: 'raw', text: this.#string(/"/) }
    }
    return this.#atom()
  }

  #list(): Sbpl {
    this.#at++
    const items: Sbpl[] = []
    for (;;) {
      this.#skipBlanks()
      if (this.#at >= this.#text.length) throw this.#wrong('a form never ends')
      if (this.#text[this.#at] === ')') {
        this.#at++
        return { kind: 'list', items }
      }
      items.push(this.next()!)
    }
  }

  /** `escapable`: what a backslash in front of it makes ordinary; in front of anything else it is one itself. */
  #string(escapable: RegExp): string {
    let text = ''
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at]!
      if (character === '"') {
        this.#at++
        return text
      }
      const following = this.#text[this.#at + 1] ?? ''
      if (character === '\\' && escapable.test(following)) {
        text += following
        this.#at++
      } else text += character
    }
    throw this.#wrong('a string never ends')
  }

  #atom(): Sbpl {
    const word = /^[^\s()";]+/.exec(this.#text.slice(this.#at, this.#at + 200))?.[0] ?? ''
    if (/^[0-9]+$/.test(word)) {
      this.#at += word.length
      return { kind: 'number', value: Number(word) }
    }
    if (!/^[A-Za-z][A-Za-z0-9_*?-]*$/.test(word)) throw this.#wrong(`cannot read ${JSON.stringify(word)}`)
    this.#at += word.length
    return { kind: 'symbol', name: word }
  }

  #skipBlanks(): void {
    for (;;) {
      const blank = /^(?:\s+|;[^\n]*)/.exec(this.#text.slice(this.#at, this.#at + 500))
      if (blank === null) return
      this.#at += blank[0].length
    }
  }

  #wrong(what: string): InternalError {
    const line = this.#text.slice(0, this.#at).split('\n').length
    return new InternalError(`line ${line} of the profile: ${what}`)
  }
}
