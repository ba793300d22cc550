/** What several groups of examples need. */
import { windowsFiles } from '../../conformance/windows-files.mjs'

export const bytes = (...list) => Uint8Array.from(list)
export const text = value => new TextEncoder().encode(value)

export function codeOf(act) {
  try {
    return { made: act() }
  } catch (error) {
    return error.option ?? error.code ?? error.name
  }
}

export function planOf(library, policy = 'workspace-write', backend = 'elevated', options = {}) {
  const { plan } = library.planForWindows({
    policy,
    cwd: 'C:\\ws',
    stateDirectory: 'C:\\state',
    backend,
    environment: {},
    host: { TEMP: 'C:\\t' },
    files: {
      ...windowsFiles({ dirs: ['C:\\ws\\.git', 'C:\\t', 'C:\\state', 'C:\\Windows', 'C:\\Program Files'] }),
      keepsAcls: path => path !== 'C:\\t',
    },
    options,
  })
  return plan
}

export const special = (kind, access) => ({ path: { type: 'special', value: { kind } }, access })
