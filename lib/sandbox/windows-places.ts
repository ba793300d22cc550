/** Where the sandbox keeps its state on Windows. */
import { createHash } from 'node:crypto'

import { OptionError } from '../errors.ts'
import { getVariable, type Variables } from '../plan/windows/environment-names.ts'
import { pathKey, type WindowsPath, windowsChild, windowsPathOrNull } from '../plan/windows/windows-path.ts'

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

/** The name of the mutex by which all processes with this state take turns. */
export function aclMutex(stateDirectory: WindowsPath): string {
  return `Local\\castellan-acl-${createHash('sha256').update(pathKey(stateDirectory)).digest('hex').slice(0, 16)}`
}
