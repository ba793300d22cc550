/**
 * The operations of a patch in a person's words, for an approval screen: what happens to each file, its content before and
 * after, and the difference as text.
 */

import { readDocument, writeDocument } from './document.ts'
import type { DraftEntry, NewFile } from './draft.ts'
import type { Operation } from './operations.ts'
import { unifiedDiff } from './unified-diff.ts'

export interface FileChange {
  readonly kind: 'add' | 'modify' | 'delete' | 'move'
  /** Where the file is (for `move`: will be): absolute, without symbolic links. */
  readonly path: string
  /** As the patch spells it. */
  readonly spelled: string
  /** For `move`, where the file was. */
  readonly from: string | null
  /** Null for a new file, for a symbolic link, and for a deleted file of more than 256 MiB. */
  readonly before: Uint8Array | null
  readonly after: Uint8Array | null
  /** Empty when only the place of a file changes. */
  readonly unifiedDiff: string
}

export function changesOf(operations: readonly Operation[]): FileChange[] {
  const moved = new Set(operations.map(sourceOf).filter(entry => entry !== null))
  return operations.filter(one => !(one.kind === 'delete' && moved.has(one.entry))).map(changeOf)
}

/** The entry that `operation` moves: it is gone afterwards and nothing was in the way. */
function sourceOf(operation: Operation): DraftEntry | null {
  const source = operation.entry.movedFrom
  return operation.kind === 'create' && source !== null && source.after === null ? source : null
}

function changeOf(operation: Operation): FileChange {
  const { location, spelled } = operation
  const base = { path: location.path, spelled, from: null }
  if (operation.kind === 'delete') {
    const before = operation.before.bytes
    const diff = before === null ? '' : unifiedDiff(readDocument(before), null, named(spelled, null))
    return { kind: 'delete', ...base, before, after: null, unifiedDiff: diff }
  }
  const file = operation.entry.after as NewFile
  const after = operation.bytes
  if (operation.kind === 'replace') {
    const before = operation.before.bytes
    const old = before === null ? null : readDocument(before)
    // Lines know their origin only in the file they were edited in, not in one that a move has overwritten.
    const origins = operation.entry.movedFrom === null ? file.document.origins : noOrigins(file)
    const diff = unifiedDiff(old, { ...file.document, origins }, named(spelled, spelled))
    return { kind: 'modify', ...base, before, after, unifiedDiff: diff }
  }
  const source = sourceOf(operation)
  if (source === null) {
    const diff = unifiedDiff(null, { ...file.document, origins: noOrigins(file) }, named(null, spelled))
    return { kind: 'add', ...base, before: null, after, unifiedDiff: diff }
  }
  const same = file.document === file.base
  const diff = same ? '' : unifiedDiff(file.base, file.document, named(source.place.path, spelled))
  const before = file.base === null ? null : writeDocument(file.base)
  return { kind: 'move', ...base, from: source.location.path, before, after, unifiedDiff: diff }
}

function noOrigins(file: NewFile): Int32Array {
  return new Int32Array(file.document.raw.length).fill(-1)
}

function named(before: string | null, after: string | null): { before: string | null; after: string | null } {
  const plain = (path: string | null): string | null => path?.replace(/^\/+/, '') ?? null
  return { before: plain(before), after: plain(after) }
}
