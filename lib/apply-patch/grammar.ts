/**
 * The parts of a patch, as data. The grammar is the one coding agents are taught (docs/apply-patch.md writes it down);
 * it has no line numbers: a hunk is found by its lines.
 */

/** What follows a line of the patch in the file: `file`: the line ending in use there; the others are spelled out. */
export type LineEnding = 'file' | 'crlf' | 'none'

export interface HunkLine {
  readonly kind: 'context' | 'remove' | 'add'
  /** Without its mark and without its line ending. */
  readonly text: string
  readonly ending: LineEnding
}

export interface Hunk {
  /** The lines after `@@`: each is looked for below the one before it, then the hunk below the last. */
  readonly contexts: readonly string[]
  /** Never empty. */
  readonly lines: readonly HunkLine[]
  /** `*** End of File`: the old lines are the last of the file. */
  readonly endOfFile: boolean
  /** Where it begins in the patch text, from 1. */
  readonly line: number
}

export interface AddSection {
  readonly kind: 'add'
  /** As the patch spells it; relative to the working directory unless absolute. */
  readonly path: string
  readonly line: number
  readonly content: string
}

export interface DeleteSection {
  readonly kind: 'delete'
  readonly path: string
  readonly line: number
}

export interface UpdateSection {
  readonly kind: 'update'
  readonly path: string
  readonly line: number
  readonly moveTo: string | null
  /** Empty only for a plain rename. */
  readonly hunks: readonly Hunk[]
}

export type Section = AddSection | DeleteSection | UpdateSection

export interface Patch {
  /** In the order of the text; later sections see what earlier ones did. Never empty. */
  readonly sections: readonly Section[]
  /** `*** Environment ID: …`: the machine it is meant for, or null. */
  readonly environment: string | null
  /** From `*** Begin Patch` to `*** End Patch`, without a heredoc or fence around it. */
  readonly text: string
}

export const markers = {
  begin: '*** Begin Patch',
  end: '*** End Patch',
  environment: '*** Environment ID:',
  add: '*** Add File: ',
  delete: '*** Delete File: ',
  update: '*** Update File: ',
  move: '*** Move to: ',
  endOfFile: '*** End of File',
  noNewline: '\\ No newline at end of file',
} as const
