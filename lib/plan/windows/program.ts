/**
 * Which file a command name means on Windows, decided before anything is started: `PATH` and `PATHEXT` of the command, never the
 * working directory unless the name says so, and never what only a shell would start.
 * Source: Microsoft, "Executable Files" (PATHEXT), "CreateProcessW function" (its own search is not used).
 */
import { getVariable, type Variables } from './environment-names.ts'
import type { WindowsFiles } from './places.ts'
import { windowsPathFrom } from './policy-input.ts'
import { type WindowsPath, windowsPathOrNull } from './windows-path.ts'

const defaultExtensions = '.COM;.EXE;.BAT;.CMD'
/** What the system starts by itself, and batch files, which `batch-file.ts` deals with. */
const startable = /^\.(com|exe|bat|cmd)$/i

export interface ProgramQuestion {
  readonly cwd: WindowsPath
  /** The command's. */
  readonly environment: Variables
  readonly files: Pick<WindowsFiles, 'targetKindOf'>
}

function extensionsOf(environment: Variables): string[] {
  const list = (getVariable(environment, 'PATHEXT') ?? defaultExtensions).split(';')
  return list.map(extension => extension.trim()).filter(extension => startable.test(extension))
}

/** Folders that are not absolute would mean another place in every directory, so they mean nothing. */
function foldersOf(environment: Variables): WindowsPath[] {
  const list = (getVariable(environment, 'PATH') ?? '').split(';')
  return list.flatMap(folder => windowsPathOrNull(folder.trim().replace(/^"(.*)"$/, '$1')) ?? [])
}

/** The name itself where it has an extension, then with each extension in order. */
function namesOf(file: string, extensions: readonly string[]): string[] {
  const last = file.slice(Math.max(file.lastIndexOf('\\'), file.lastIndexOf('/')) + 1)
  const own = last.includes('.') ? [file] : []
  return [...own, ...extensions.map(extension => `${file}${extension}`)]
}

/** Null when there is no such file. */
export function findWindowsProgram(file: string, { cwd, environment, files }: ProgramQuestion): WindowsPath | null {
  const folders = /[\\/:]/.test(file) ? [cwd] : foldersOf(environment)
  const names = namesOf(file, extensionsOf(environment))
  for (const folder of folders) {
    for (const name of names) {
      const path = windowsPathFrom(folder, name)
      if (path !== null && files.targetKindOf(path) === 'file') return path
    }
  }
  return null
}
