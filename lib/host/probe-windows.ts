/** Finds out what a Windows machine can enforce: by asking the system in this process, which restricts nothing. */
import { arch, release } from 'node:os'

import type { OrFailure } from '../native/windows-binding.ts'
import type { WindowsCapabilities } from './capabilities.ts'

/** What the addon knows of this process; null where it has no Windows part. */
export interface WindowsFacts {
  readonly wine: boolean
  readonly restricted: boolean
}

export interface FoundHelper {
  readonly path: string | null
  readonly how: string
}

export function probeWindows(found: OrFailure<WindowsFacts> | null, helper: FoundHelper): WindowsCapabilities {
  const token = tokenCapability(found)
  return Object.freeze({
    platform: 'win32',
    architecture: arch(),
    kernelRelease: release(),
    restrictedToken: token,
    helper: { available: helper.path !== null, how: helper.how, path: helper.path },
    runner: runnerCapability(token, helper),
    restricted: found !== null && 'restricted' in found && found.restricted,
  })
}

function tokenCapability(facts: OrFailure<WindowsFacts> | null): WindowsCapabilities['restrictedToken'] {
  if (facts === null) return { available: false, how: 'the addon that was loaded has no part for Windows' }
  if ('failure' in facts) {
    const { call, win32 } = facts.failure
    return { available: false, how: `this process cannot be looked at: ${call} failed with ${win32}` }
  }
  if (facts.wine) return { available: false, how: 'this is Wine, which restricts no token', hint: 'use Windows' }
  return { available: true, how: 'this is Windows, which restricts tokens; the helper checks each one that it makes' }
}

/** Whether there is an account to run as is the setup's business. */
function runnerCapability(
  token: WindowsCapabilities['restrictedToken'],
  helper: FoundHelper,
): WindowsCapabilities['runner'] {
  if (!token.available) return token
  if (helper.path === null) return { available: false, how: helper.how }
  return { available: true, how: 'the helper starts commands as an account of the sandbox, once there is one' }
}
