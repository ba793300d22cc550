/**
 * Text to `Patch`. One pass, no backtracking, no look at the disk. Accepts what the reference accepts, and beyond it:
 * several `@@` lines in a row, blank lines between sections, a rename without hunks, `\ No newline at end of file`.
 * A line that begins with ` `, `+` or `-` inside a hunk is always content, whatever it spells, so that a patch can
 * change a file that is about patches.
 */

import { openEnvelope } from './envelope.ts'
import { PatchInvalidError } from './errors.ts'
import { type Hunk, type HunkLine, markers, type Patch, type Section, type UpdateSection } from './grammar.ts'

/**
 * Reads a patch.
 *
 * @throws PatchInvalidError (`ERR_PATCH_INVALID`) with the line of the text that is wrong.
 */
export function parsePatch(text: string): Patch {
  const envelope = openEnvelope(text)
  const reader = new Reader(envelope.lines, envelope.firstLine)
  const environment = readEnvironment(reader)
  const sections: Section[] = []
  for (reader.skipBlank(); !reader.done; reader.skipBlank()) sections.push(readSection(reader))
  if (sections.length === 0) {
    throw new PatchInvalidError('it changes no file', { line: envelope.firstLine - 1 })
  }
  return { sections, environment, text: envelope.text }
}

/** Gives equal lines in a row one object: a file of repetitions would otherwise be millions of them. */
class Lines {
  readonly #kind: HunkLine['kind']
  #source = ''
  #last: HunkLine

  constructor(kind: HunkLine['kind']) {
    this.#kind = kind
    this.#last = hunkLine(kind, '')
  }

  of(line: string): HunkLine {
    if (line === this.#source) return this.#last
    this.#source = line
    this.#last = hunkLine(this.#kind, line)
    return this.#last
  }
}

class Reader {
  readonly lines = { context: new Lines('context'), add: new Lines('add'), remove: new Lines('remove') }
  #at = 0
  readonly #lines: readonly string[]
  readonly #firstLine: number

  constructor(lines: readonly string[], firstLine: number) {
    this.#lines = lines
    this.#firstLine = firstLine
  }

  get done(): boolean {
    return this.#at >= this.#lines.length
  }

  /** The line here; empty at the end, where `done` tells it from a blank one. */
  get line(): string {
    return this.#lines[this.#at] ?? ''
  }

  get lineNumber(): number {
    return this.#firstLine + this.#at
  }

  advance(): void {
    this.#at++
  }

  skipBlank(): void {
    while (!this.done && this.line.trim() === '') this.#at++
  }

  /** What follows `marker` on this line, which may be padded; null when the line is another one. */
  after(marker: string): string | null {
    const trimmed = this.line.trim()
    return trimmed.startsWith(marker.trimEnd()) && `${trimmed} `.startsWith(marker)
      ? trimmed.slice(marker.length).trim()
      : null
  }

  fail(message: string, path?: string): never {
    throw new PatchInvalidError(message, { line: this.lineNumber, ...(path === undefined ? {} : { path }) })
  }
}

function readEnvironment(reader: Reader): string | null {
  const environment = reader.after(markers.environment)
  if (environment === null) return null
  if (environment === '') reader.fail('the environment is empty')
  reader.advance()
  return environment
}

function readSection(reader: Reader): Section {
  const line = reader.lineNumber
  const added = readPath(reader, markers.add)
  if (added !== null) return { kind: 'add', path: added, line, content: readContent(reader, added) }
  const deleted = readPath(reader, markers.delete)
  if (deleted !== null) return { kind: 'delete', path: deleted, line }
  const updated = readPath(reader, markers.update)
  if (updated !== null) return readUpdate(reader, updated, line)
  return reader.fail(`expected '${markers.add}', '${markers.delete}' or '${markers.update}' and a path`)
}

/** The path after `marker`, and the reader on the next line; null when this line has another marker. */
function readPath(reader: Reader, marker: string): string | null {
  const path = reader.after(marker)
  if (path === null) return null
  if (path === '') reader.fail('the path is empty')
  if (path.includes('\0')) reader.fail('the path holds a NUL character')
  reader.advance()
  return path
}

function readContent(reader: Reader, path: string): string {
  const parts: string[] = []
  let ended = false
  while (!reader.done) {
    const line = reader.line
    if (line.startsWith('+')) {
      if (ended) reader.fail('a line follows the one without a newline', path)
      parts.push(line.slice(1), '\n')
    } else if (isNoNewline(line) && parts.length > 0 && !ended) {
      parts.pop()
      ended = true
    } else break
    reader.advance()
  }
  return parts.join('')
}

function readUpdate(reader: Reader, path: string, line: number): UpdateSection {
  const moveTo = readPath(reader, markers.move)
  const hunks: Hunk[] = []
  for (reader.skipBlank(); !reader.done && !isSectionHeader(reader.line); reader.skipBlank()) {
    hunks.push(readHunk(reader, path, hunks.length === 0))
  }
  if (hunks.length === 0 && moveTo === null) {
    throw new PatchInvalidError('an update needs at least one hunk', { line, path })
  }
  return { kind: 'update', path, line, moveTo, hunks }
}

/** A header ends a hunk. One that is padded with blanks would be a context line, and is read as that. */
function isSectionHeader(line: string): boolean {
  return line.startsWith('*') || (!line.startsWith(' ') && line.trim().startsWith('*** '))
}

function readHunk(reader: Reader, path: string, first: boolean): Hunk {
  const line = reader.lineNumber
  const contexts: string[] = []
  let marked = false
  for (; !reader.done && reader.line.startsWith('@@'); reader.advance()) {
    marked = true
    const context = contextOf(reader, path)
    if (context !== '') contexts.push(context)
  }
  if (!marked && !first) reader.fail("expected '@@' at the start of a hunk", path)
  const lines = readHunkLines(reader, path)
  const endOfFile = !reader.done && reader.line.trim() === markers.endOfFile
  if (lines.length === 0) reader.fail("expected a line that begins with ' ', '+' or '-'", path)
  if (endOfFile) reader.advance()
  return { contexts, lines, endOfFile: endOfFile || lines.some(one => one.ending === 'none'), line }
}

function contextOf(reader: Reader, path: string): string {
  const line = reader.line.endsWith('\r') ? reader.line.slice(0, -1) : reader.line
  if (line.trimEnd() === '@@') return ''
  return line.startsWith('@@ ') ? line.slice(3) : reader.fail("expected a blank after '@@'", path)
}

function readHunkLines(reader: Reader, path: string): HunkLine[] {
  const lines: HunkLine[] = []
  for (; !reader.done; reader.advance()) {
    const line = reader.line
    const kind = kindOf(line)
    if (kind !== null) lines.push(reader.lines[kind].of(line))
    else if (isNoNewline(line) && lines.length > 0) lines.push(withoutNewline(lines.pop()!))
    else break
  }
  checkEnds(lines, reader, path)
  return lines
}

function kindOf(line: string): HunkLine['kind'] | null {
  switch (line.charCodeAt(0)) {
    case 32:
      return 'context'
    case 43:
      return 'add'
    case 45:
      return 'remove'
    default:
      // An empty line stands for an empty context line: editors and models drop the single blank.
      return line === '' || line === '\r' ? 'context' : null
  }
}

function hunkLine(kind: HunkLine['kind'], line: string): HunkLine {
  const crlf = line.endsWith('\r')
  const start = line === '\r' ? 0 : 1
  return { kind, text: crlf ? line.slice(start, -1) : line.slice(1), ending: crlf ? 'crlf' : 'file' }
}

function isNoNewline(line: string): boolean {
  return line.startsWith('\\') && line.trimEnd() === markers.noNewline
}

/** A CR before a missing LF is not half a line ending but a character of the line. */
function withoutNewline(line: HunkLine): HunkLine {
  return { kind: line.kind, text: line.ending === 'crlf' ? `${line.text}\r` : line.text, ending: 'none' }
}

/** Only the last line of the old and of the new text can lack its newline. */
function checkEnds(lines: readonly HunkLine[], reader: Reader, path: string): void {
  let oldEnded = false
  let newEnded = false
  for (const line of lines) {
    if ((oldEnded && line.kind !== 'add') || (newEnded && line.kind !== 'remove')) {
      reader.fail('a line follows the one without a newline', path)
    }
    if (line.ending !== 'none') continue
    if (line.kind !== 'add') oldEnded = true
    if (line.kind !== 'remove') newEnded = true
  }
}
