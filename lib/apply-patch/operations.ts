/**
 * What a draft comes to: for each path that ends up otherwise than it was, one operation. A file that is added and deleted
 * by the same patch has none; one that is deleted and added again is replaced.
 */

import { Buffer } from 'node:buffer'

import { writeDocument } from './document.ts'
import type { Draft, DraftEntry, OldFile } from './draft.ts'
import type { Attributes } from './file-access.ts'
import type { Location } from './locate.ts'

interface Common {
  readonly location: Location
  /** As the patch spells it. */
  readonly spelled: string
  readonly entry: DraftEntry
}

export interface CreateOperation extends Common {
  readonly kind: 'create'
  readonly bytes: Uint8Array
  readonly attributes: Attributes | null
}

export interface ReplaceOperation extends Common {
  readonly kind: 'replace'
  readonly bytes: Uint8Array
  readonly attributes: Attributes | null
  readonly before: OldFile
}

export interface DeleteOperation extends Common {
  readonly kind: 'delete'
  readonly before: OldFile
}

export type Operation = CreateOperation | ReplaceOperation | DeleteOperation

/** Files come into being before others go: a move that is interrupted leaves both, never neither. */
export function operationsOf(draft: Draft): Operation[] {
  const operations = [...draft.entries.values()].map(operationOf).filter(operation => operation !== null)
  return [...operations.filter(one => one.kind !== 'delete'), ...operations.filter(one => one.kind === 'delete')]
}

function operationOf(entry: DraftEntry): Operation | null {
  const { location, before, after } = entry
  const common = { location, spelled: entry.place.path, entry }
  if (after === 'untouched') return null
  if (after === null) return before === null ? null : { kind: 'delete', ...common, before }
  const bytes = writeDocument(after.document)
  if (before === null) return { kind: 'create', ...common, bytes, attributes: after.attributes }
  const same = before.bytes !== null && Buffer.compare(before.bytes, bytes) === 0
  const sameMode = after.attributes !== null && after.attributes.mode === before.status.mode
  return same && sameMode ? null : { kind: 'replace', ...common, bytes, attributes: after.attributes, before }
}
