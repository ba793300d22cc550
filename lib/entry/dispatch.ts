/**
 * One program that is several: started as `apply_patch`, `applypatch` or `codex-linux-sandbox`, or with
 * `--codex-run-as-apply-patch` as its first argument, a host acts as that program and ends. Every other start pays for this
 * file and nothing more: what an entry needs is loaded when it is asked for.
 */
import { basename } from 'node:path'

import { applyPatchFlag, type EntryName, isEntryName } from './names.ts'

export type Entry =
  | { readonly kind: EntryName; readonly args: readonly string[] }
  | { readonly kind: typeof applyPatchFlag; readonly args: readonly string[] }

/**
 * Call this first in a host: `await dispatchEntry(process.argv)`. Resolves at once when this start is the host's own. Otherwise
 * acts as the entry, ends the process with its exit code, and never resolves. Never rejects.
 *
 * @param argv As `process.argv`: the executable, the script, the arguments.
 * @param argv0 The name by which the executable was started, which a single executable is told by. Default: `process.argv0`.
 */
export function dispatchEntry(argv: readonly string[] = process.argv, argv0: string = process.argv0): Promise<void> {
  const entry = entryOf(argv, argv0)
  return entry === null ? Promise.resolve() : runAndEnd(entry)
}

/** What this start asks for; null for the host itself. */
export function entryOf(argv: readonly string[], argv0: string): Entry | null {
  // A packaged Electron app has no script: its second word is the first argument.
  const first = isPackagedElectron() ? 1 : 2
  const args = argv.slice(first)
  for (const started of [argv0, first === 2 ? (argv[1] ?? '') : '']) {
    const name = basename(started)
    if (isEntryName(name)) return { kind: name, args }
  }
  return args[0] === applyPatchFlag ? { kind: applyPatchFlag, args: args.slice(1) } : null
}

function isPackagedElectron(): boolean {
  return process.versions['electron'] !== undefined && (process as { defaultApp?: boolean }).defaultApp !== true
}

async function runAndEnd(entry: Entry): Promise<never> {
  const { end } = await import('../cli/ending.ts')
  end(await run(entry))
  // Handles that the host has opened by now must not keep an entry alive.
  process.exit()
}

async function run(entry: Entry) {
  if (entry.kind === 'codex-linux-sandbox') {
    const { runLinuxSandboxEntry } = await import('../cli/linux-sandbox.ts')
    return runLinuxSandboxEntry(entry.args)
  }
  const { runApplyPatchEntry, runAsApplyPatch } = await import('../cli/apply-patch-entry.ts')
  return entry.kind === applyPatchFlag ? runAsApplyPatch(entry.kind, entry.args) : runApplyPatchEntry(entry.args)
}
