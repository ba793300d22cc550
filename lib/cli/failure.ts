/**
 * What an error is to the person at the terminal: one or two lines and an exit code. Never a stack, unless
 * CASTELLAN_DEBUG asks for it.
 */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { inspect } from 'node:util'

import { BackendError, LaunchError, LibraryError, OptionError, SpawnError } from '../index.ts'
import { exitCodes } from './ending.ts'
import { painter, printable, say } from './terminal.ts'
import { UsageError } from './usage-error.ts'

export interface Failure {
  readonly message: string
  readonly exitCode: number
}

/** `command`: the subcommand whose help is pointed to. */
export function failureOf(error: unknown, command: string | undefined): Failure {
  if (error instanceof UsageError || error instanceof OptionError) {
    const help = command === undefined ? 'castellan --help' : `castellan ${command} --help`
    return { message: `${error.message}\nsee ${help}`, exitCode: exitCodes.usage }
  }
  if (error instanceof SpawnError) return spawnFailure(error)
  if (error instanceof LibraryError) return { message: textOf(error), exitCode: exitCodes.sandbox }
  const message = error instanceof Error ? error.message : String(error)
  return { message, exitCode: exitCodes.sandbox }
}

/** The message with its code and, on a line of its own, a hint that it does not hold yet. */
export function textOf(error: LibraryError): string {
  const hint = error instanceof BackendError ? error.hint : undefined
  const more = hint === undefined || error.message.includes(hint) ? '' : `\n${hint}`
  return `${error.message} (${error.code})${more}`
}

function spawnFailure({ path, code, cause }: SpawnError): Failure {
  if (cause instanceof LaunchError && cause.stage === 'working-directory') {
    return { message: textOf(cause), exitCode: exitCodes.sandbox }
  }
  const found = path.includes('/') ? code !== 'ENOENT' : isOnPath(path)
  if (found && code !== 'ENOENT')
    return { message: `${path}: cannot execute: ${code}`, exitCode: exitCodes.cannotExecute }
  // A script whose interpreter is missing gives the same error.
  const message = path.includes('/') || found ? 'no such program, or its interpreter is missing' : 'command not found'
  return { message: `${path}: ${message}`, exitCode: exitCodes.notFound }
}

// A folder on PATH that may not be searched makes EACCES of what a shell calls not found.
function isOnPath(name: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.some(folder => existsSync(join(folder, name)))
}

export function report(error: unknown, command: string | undefined): number {
  const { message, exitCode } = failureOf(error, command)
  const paint = painter('stderr')
  const lines = message.split('\n').map(printable)
  say('stderr', `${paint('red', 'castellan:')} ${lines.join('\n')}`)
  if ((process.env['CASTELLAN_DEBUG'] ?? '') !== '') say('stderr', inspect(error))
  return exitCode
}
