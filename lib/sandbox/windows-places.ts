/** Where the sandbox keeps its state on Windows. */
import { OptionError } from '../errors.ts'
import { getVariable, type Variables } from '../plan/windows/environment-names.ts'
import { type WindowsPath, windowsChild, windowsPathOrNull } from '../plan/windows/windows-path.ts'

/** `%LOCALAPPDATA%\castellan`, unless another place is given. Throws OptionError for one that is not absolute. */
export function windowsStateDirectory(given: string | undefined, variables: Variables): WindowsPath {
  if (given !== undefined) {
    const path = windowsPathOrNull(given)
    if (path !== null) return path
    throw new OptionError('windows.stateDirectory', 'windows.stateDirectory must be an absolute Windows path')
  }
  const local = windowsPathOrNull(getVariable(variables, 'LOCALAPPDATA') ?? '')
  if (local !== null) return windowsChild(local, 'castellan')
  throw new OptionError('windows.stateDirectory', 'windows.stateDirectory must be given where LOCALAPPDATA is not set')
}
