/** The names and the flag by which other programs start this one as something else (spec/linux 9.3). */

export const entryNames = ['apply_patch', 'applypatch', 'codex-linux-sandbox'] as const

export type EntryName = (typeof entryNames)[number]

/** As the first argument of any host: the second is a patch. */
export const applyPatchFlag = '--codex-run-as-apply-patch'

export function isEntryName(name: string): name is EntryName {
  return (entryNames as readonly string[]).includes(name)
}
