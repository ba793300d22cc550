/**
 * Finds the lines between `*** Begin Patch` and `*** End Patch`, out of the wrappings that models put around a patch:
 * blank lines, a heredoc that no shell has taken off (`<<'EOF'` … `EOF`), a Markdown fence. A patch without its last line
 * was cut off on its way and is refused: half a patch must never be applied.
 */

import { PatchInvalidError } from './errors.ts'
import { markers } from './grammar.ts'

export interface Envelope {
  /** The lines between the two markers, without the CR that belongs to the patch's own line endings. */
  readonly lines: readonly string[]
  /** The number of `lines[0]` in the given text, from 1. */
  readonly firstLine: number
  readonly text: string
}

interface Range {
  readonly from: number
  /** The index of the last line. */
  readonly to: number
}

const heredocPattern = /^<<-?[ \t]*(['"]?)([A-Za-z_][A-Za-z0-9_]*)\1$/
const fencePattern = /^(`{3,}|~{3,})[A-Za-z0-9_+-]*$/

/** Throws `PatchInvalidError` when either marker is missing. */
export function openEnvelope(text: string): Envelope {
  const all = text.split('\n')
  const range = unwrap(all, withoutBlankEdges(all, { from: 0, to: all.length - 1 }))
  const first = all[range.from]?.trim() ?? ''
  if (first !== markers.begin) {
    throw new PatchInvalidError(`the first line must be '${markers.begin}'`, { line: range.from + 1 })
  }
  if (range.to === range.from || all[range.to]!.trim() !== markers.end) {
    throw new PatchInvalidError(`the last line must be '${markers.end}'`, { line: range.to + 1 })
  }
  const inner = all.slice(range.from + 1, range.to)
  const framed = all[range.from]!.endsWith('\r') || inner.some(isMarkerLineWithCarriageReturn)
  const lines = framed ? inner.map(withoutCarriageReturn) : inner
  const body = framed ? lines.map(line => `${line}\n`).join('') : bodyOf(text, all, range)
  return { lines, firstLine: range.from + 2, text: `${markers.begin}\n${body}${markers.end}` }
}

/** What lies between the two marker lines, cut out of `text` as it is. */
function bodyOf(text: string, lines: readonly string[], range: Range): string {
  const lengthOf = (some: readonly string[]): number => some.reduce((sum, line) => sum + line.length + 1, 0)
  const start = lengthOf(lines.slice(0, range.from + 1))
  return text.slice(start, text.length + 1 - lengthOf(lines.slice(range.to)))
}

function withoutBlankEdges(lines: readonly string[], range: Range): Range {
  let { from, to } = range
  while (from < to && lines[from]!.trim() === '') from++
  while (to > from && lines[to]!.trim() === '') to--
  return { from, to }
}

/** Takes off a heredoc, a fence, or one inside the other. */
function unwrap(lines: readonly string[], given: Range): Range {
  let range = given
  for (let depth = 0; depth < 2 && range.to - range.from >= 3; depth++) {
    const closing = closingOf(lines[range.from]!.trim())
    if (closing === null || lines[range.to]!.trim() !== closing) return range
    range = withoutBlankEdges(lines, { from: range.from + 1, to: range.to - 1 })
  }
  return range
}

function closingOf(opening: string): string | null {
  return heredocPattern.exec(opening)?.[2] ?? fencePattern.exec(opening)?.[1] ?? null
}

/**
 * A CR at the end of a marker line says that the patch itself was sent with CRLF: then every CR is the patch's. When only
 * content lines have one, the sender meant the files to have it.
 */
function isMarkerLineWithCarriageReturn(line: string): boolean {
  const code = line.charCodeAt(0)
  return (code === 42 || code === 64) && line.endsWith('\r')
}

function withoutCarriageReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}
