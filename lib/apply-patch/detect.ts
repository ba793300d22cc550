/**
 * Tells whether a command is a call of `apply_patch`, for hosts that carry such calls out themselves instead of running a
 * shell. Nothing is run, read or written here.
 */

import { PatchInvalidError } from './errors.ts'
import type { Patch } from './grammar.ts'
import { parsePatch } from './parse.ts'
import { readPatchCall } from './shell-script.ts'

export type Detection =
  /** Some other command. */
  | { readonly kind: 'none' }
  /** `workingDirectory` is what the script changes to, as it is spelled (relative to the command's); null: it does not. */
  | { readonly kind: 'patch'; readonly patch: Patch; readonly workingDirectory: string | null }
  /** A call of `apply_patch` whose argument is no patch. */
  | { readonly kind: 'invalid'; readonly error: PatchInvalidError }
  /** A patch where a command should be. The model forgot the command; the host should say so and not run it. */
  | { readonly kind: 'implicit'; readonly patch: Patch }

const commands: readonly string[] = ['apply_patch', 'applypatch']

/** What Codex puts before a command to restore a saved shell state. */
const snapshotScript = '. "$0" && exec "$@"'

/**
 * @param command the words of a command (`['apply_patch', patch]`, `['bash', '-lc', script]`, the same with `sh`, `zsh`,
 * `pwsh -Command`, `cmd /c`), or the text of a shell script.
 */
export function detectApplyPatch(command: readonly string[] | string): Detection {
  if (typeof command === 'string') return detectInScript(command)
  return detectInWords(innerCommand(command) ?? command)
}

function detectInWords(words: readonly string[]): Detection {
  const [program, argument] = words
  if (words.length === 2 && commands.includes(program!)) return detectBody(argument!, null)
  if (words.length === 1) return detectImplicit(program!)
  const script = scriptOf(words)
  return script === null ? { kind: 'none' } : detectInScript(script)
}

function detectInScript(script: string): Detection {
  const call = readPatchCall(script)
  return call === null ? detectImplicit(script) : detectBody(call.body, call.directory)
}

function detectBody(body: string, workingDirectory: string | null): Detection {
  try {
    return { kind: 'patch', patch: parsePatch(body), workingDirectory }
  } catch (error) {
    if (error instanceof PatchInvalidError) return { kind: 'invalid', error }
    throw error
  }
}

function detectImplicit(text: string): Detection {
  const detection = detectBody(text, null)
  return detection.kind === 'patch' ? { kind: 'implicit', patch: detection.patch } : { kind: 'none' }
}

function innerCommand(command: readonly string[]): readonly string[] | null {
  const [shell, flag, script] = command
  const wrapped = command.length > 4 && shellKind(shell!) === 'posix' && flag === '-c' && script === snapshotScript
  return wrapped ? command.slice(4) : null
}

/** The script of `SHELL [OPTION] -c SCRIPT`. */
function scriptOf(command: readonly string[]): string | null {
  const script = command.at(-1)
  if (script === undefined || command.length < 3) return null
  const options = command.slice(1, -1).join(' ')
  switch (shellKind(command[0]!)) {
    case 'posix':
      return ['-c', '-lc', '-l -c'].includes(options) ? script : null
    case 'powershell':
      return /^(-noprofile )?-command$/i.test(options) ? script : null
    case 'cmd':
      return /^\/c$/i.test(options) ? script : null
    case null:
      return null
  }
}

function shellKind(program: string): 'posix' | 'powershell' | 'cmd' | null {
  const name = program
    .replace(/^.*[\\/]/, '')
    .replace(/\.exe$/i, '')
    .toLowerCase()
  if (name === 'bash' || name === 'zsh' || name === 'sh') return 'posix'
  if (name === 'pwsh' || name === 'powershell') return 'powershell'
  return name === 'cmd' ? 'cmd' : null
}
