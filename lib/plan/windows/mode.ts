/** Which backend a configuration asks for (spec/windows B). */
import type { WindowsBackend } from './gate.ts'

export interface WindowsModeLevel {
  readonly windows?: { readonly sandbox?: WindowsBackend }
  /** Older switches. */
  readonly features?: Readonly<Record<string, unknown>>
}

export interface WindowsModeQuestion {
  /** The selected profile; it has no levels in the reference since 2026-06. */
  readonly profile?: WindowsModeLevel
  readonly top?: WindowsModeLevel
}

const plainSwitches = ['experimental_windows_sandbox', 'enable_experimental_windows_sandbox']
const elevatedSwitch = 'elevated_windows_sandbox'

function switched({ features = {} }: WindowsModeLevel): WindowsBackend | null {
  if (features[elevatedSwitch] === true) return 'elevated'
  return plainSwitches.some(name => features[name] === true) ? 'unelevated' : null
}

function isSwitchedOff({ features = {} }: WindowsModeLevel): boolean {
  return [elevatedSwitch, ...plainSwitches].some(name => features[name] === false)
}

/** Null: the sandbox is off, and no command may be run as if it were on. */
export function windowsMode({ profile = {}, top = {} }: WindowsModeQuestion): WindowsBackend | null {
  const inProfile = switched(profile)
  if (inProfile !== null) return inProfile
  // Whoever turned an older switch off in the profile meant off.
  if (isSwitchedOff(profile)) return null
  return profile.windows?.sandbox ?? top.windows?.sandbox ?? switched(top)
}
