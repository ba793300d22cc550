/**
 * Columns of text, the last one ragged. Cells are plain text; colours are put on after the widths are known.
 */
import { type Colour, printable } from './terminal.ts'

export interface Cell {
  readonly text: string
  readonly colour?: Colour
}

type Paint = (colour: Colour, text: string) => string

export function table(head: readonly string[], rows: readonly (readonly (Cell | string)[])[], paint: Paint): string[] {
  const all = [head.map(text => ({ text, colour: 'dim' as const })), ...rows.map(row => row.map(cellOf))]
  const widths = head.map((_, column) => Math.max(...all.map(row => row[column]?.text.length ?? 0)))
  return all.map(row =>
    row
      .map(({ text, colour }, column) => {
        const padding = column === row.length - 1 ? '' : ' '.repeat(widths[column]! - text.length)
        return (colour === undefined ? text : paint(colour, text)) + padding
      })
      .join('  ')
      .trimEnd(),
  )
}

function cellOf(cell: Cell | string): Cell {
  return typeof cell === 'string' ? { text: printable(cell) } : { ...cell, text: printable(cell.text) }
}
