/**
 * Reads the few shell scripts that are nothing but a call of `apply_patch`: an optional `cd DIR &&`, the command, and its
 * patch as a heredoc or as one quoted word. Anything else (a second command, a pipe, an expansion, a glob) is no match:
 * whoever asks then runs the script as any other, in the sandbox, so a miss costs nothing and a wrong match would.
 */

export interface PatchCall {
  readonly body: string
  /** The argument of `cd`, as the shell would see it. */
  readonly directory: string | null
}

const commandPattern = /(?:apply_patch|applypatch)(?=[\s<])/y
const blanks = /(?:[ \t]|\\\n)*/y
const whitespace = /(?:[ \t\n]|\r\n)*/y
const plainWord = /[A-Za-z0-9_@%+=:,./-]+/y
const singleQuoted = /'([^']*)'/y
/** Without `$`, backquote, backslash and `!`, double quotes mean what they hold. */
const doubleQuoted = /"([^"$`\\!]*)"/y
const heredocStart = /<<(-?)[ \t]*(?:'([^'\n]+)'|"([^"$`\\\n]+)"|([A-Za-z0-9_.@%+=:,/-]+))[ \t]*(?:\r?\n)/y

/** Null when `script` is anything but one call of `apply_patch`. */
export function readPatchCall(script: string): PatchCall | null {
  const scanner = new Scanner(script)
  scanner.skip(whitespace)
  const directory = readChangeDirectory(scanner)
  if (directory === undefined || scanner.match(commandPattern) === null) return null
  scanner.skip(blanks)
  const body = readHeredoc(scanner) ?? readQuoted(scanner)
  if (body === null) return null
  scanner.skip(whitespace)
  return scanner.done ? { body, directory } : null
}

class Scanner {
  #at = 0
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  get done(): boolean {
    return this.#at === this.#text.length
  }

  /** `pattern` is sticky. Moves behind the match. */
  match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match !== null) this.#at = pattern.lastIndex
    return match
  }

  skip(pattern: RegExp): void {
    this.match(pattern)
  }

  /** The next line without its ending, and whether there is one. */
  takeLine(): string | null {
    if (this.done) return null
    const end = this.#text.indexOf('\n', this.#at)
    const line = this.#text.slice(this.#at, end === -1 ? undefined : end)
    this.#at = end === -1 ? this.#text.length : end + 1
    return line
  }
}

/** Null without a `cd`; undefined when there is one that cannot be read. */
function readChangeDirectory(scanner: Scanner): string | null | undefined {
  if (scanner.match(/cd(?=[ \t])/y) === null) return null
  scanner.skip(blanks)
  const directory = readQuoted(scanner) ?? scanner.match(plainWord)?.[0]
  scanner.skip(blanks)
  if (directory === undefined || directory === '' || directory.startsWith('-')) return undefined
  if (scanner.match(/&&/y) === null) return undefined
  scanner.skip(whitespace)
  return directory
}

function readQuoted(scanner: Scanner): string | null {
  return (scanner.match(singleQuoted) ?? scanner.match(doubleQuoted))?.[1] ?? null
}

/**
 * The body up to the line that is the delimiter. Without quotes around the delimiter a shell would expand `$` in the body;
 * a model that forgot them means the text as it stands, and so does the reference.
 */
function readHeredoc(scanner: Scanner): string | null {
  const start = scanner.match(heredocStart)
  if (start === null) return null
  const delimiter = start[2] ?? start[3] ?? start[4]
  const lines: string[] = []
  for (let line = scanner.takeLine(); line !== null; line = scanner.takeLine()) {
    const shown = start[1] === '-' ? line.replace(/^\t+/, '') : line
    if ((shown.endsWith('\r') ? shown.slice(0, -1) : shown) === delimiter) return lines.join('\n')
    lines.push(shown)
  }
  return null
}
