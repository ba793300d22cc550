/** What a patch did, in the reference's words: one line per section, added files first, then changed, then deleted. */

import type { Patch } from './grammar.ts'

export interface PatchSummary {
  /** Paths as the patch spells them; a moved file is `modified`, under its new path. */
  readonly added: readonly string[]
  readonly modified: readonly string[]
  readonly deleted: readonly string[]
}

export function summaryOf(patch: Patch): PatchSummary {
  const added: string[] = []
  const modified: string[] = []
  const deleted: string[] = []
  for (const section of patch.sections) {
    if (section.kind === 'add') added.push(section.path)
    else if (section.kind === 'delete') deleted.push(section.path)
    else modified.push(section.moveTo ?? section.path)
  }
  return { added, modified, deleted }
}

/** Ends with a newline. */
export function formatSummary(summary: PatchSummary): string {
  const lines = ['Success. Updated the following files:']
  for (const path of summary.added) lines.push(`A ${path}`)
  for (const path of summary.modified) lines.push(`M ${path}`)
  for (const path of summary.deleted) lines.push(`D ${path}`)
  return `${lines.join('\n')}\n`
}
