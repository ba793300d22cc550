/**
 * The virtual program `apply_patch` that coding agents are taught to call, with the reference's arguments, output and exit
 * codes: one PATCH or the standard input; 0 when all of the patch was applied, 1 when nothing was, 2 for a call that cannot
 * be meant. It has no policy: in a sandbox the sandbox holds it. As in the reference, `Add File` and `Move to` replace.
 */
import { type AppliedPatch, applyPatch, PatchIoError } from '../apply-patch/index.ts'
import { LibraryError } from '../index.ts'
import type { Ending } from './ending.ts'
import { untilInterrupted } from './interruption.ts'
import { checkedArgument, PatchInputError, readStandardInput } from './patch-input.ts'
import { printable, say } from './terminal.ts'

const usage = `usage: apply_patch PATCH
       apply_patch < FILE`

/** What the reference takes before the patch. Line endings are always kept here. */
const accepted = '--preserve-crlf'

/** Runs the program with the words after its name. Throws nothing. */
export async function runApplyPatchEntry(args: readonly string[]): Promise<Ending> {
  const [first, ...more] = args[0] === accepted ? args.slice(1) : args
  if (more.length > 0) return complain('it takes exactly one PATCH', 2)
  if (first === '--help' || first === '-h') return answer(usage)
  return guarded(async () => {
    const patch = first === undefined ? readStandardInput() : checkedArgument(first)
    return patch === '' ? complain(`there is no patch\n${usage}`, 2) : await applyHere(patch)
  })
}

/** `--codex-run-as-apply-patch PATCH`: the same with nothing but an argument. Throws nothing. */
export async function runAsApplyPatch(flag: string, args: readonly string[]): Promise<Ending> {
  const [patch, ...more] = args
  if (patch === undefined) return complain(`${flag} needs a PATCH`, 1)
  if (more.length > 0) return complain(`${flag} takes exactly one PATCH`, 2)
  return guarded(() => applyHere(checkedArgument(patch)))
}

async function applyHere(patch: string): Promise<Ending> {
  return untilInterrupted(async signal => {
    const applied = await applyPatch(patch, { cwd: process.cwd(), overwrite: true, signal })
    tellNotes(applied)
    return answer(applied.summary.trimEnd())
  })
}

async function guarded(act: () => Promise<Ending>): Promise<Ending> {
  try {
    return await act()
  } catch (error) {
    return complain(textOfFailure(error), 1)
  }
}

/** For a person or a model: what was wrong, and which files are new when some are. */
export function textOfFailure(error: unknown): string {
  if (error instanceof PatchInputError || !(error instanceof Error))
    return error instanceof Error ? error.message : String(error)
  const code = error instanceof LibraryError ? ` (${error.code})` : ''
  const files = error instanceof PatchIoError ? error.files : []
  const states = files.some(file => file.state === 'new') ? files.map(file => `\n  ${file.state} ${file.path}`) : []
  return `${error.message}${code}${states.join('')}`
}

/** What of a file could not be kept. The patch is applied all the same, so it is no error. */
export function tellNotes({ notes }: AppliedPatch): void {
  const texts = {
    'owner-changed': 'its owner or group could not be kept',
    'hard-link-broken': 'its other names keep the old content',
    leftover: 'this temporary file could not be removed',
  } as const
  for (const { kind, path } of notes) say('stderr', `apply_patch: note: ${printable(path)}: ${texts[kind]}`)
}

function answer(text: string): number {
  say('stdout', text)
  return 0
}

function complain(message: string, code: number): number {
  say('stderr', `apply_patch: ${message.split('\n').map(printable).join('\n')}`)
  return code
}
