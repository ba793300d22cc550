/**
 * Places in which a process with an administrator's rights writes, while others may write there too (spec/windows H.2, K.3): each is
 * reached name by name, and nothing on the way may lead elsewhere. The addon holds what it has passed; this says what is asked of it,
 * what an answer means, and whether an object is the one that was planned.
 */
import { pathKey, type WindowsPath, windowsParent } from './windows-path.ts'

/** As the addon takes it: where the names begin, with a separator at its end, and the names. */
export interface PlannedPlace {
  readonly anchor: string
  readonly below: string
}

/** The directories on the way to a place and the place itself, the volume or share first. */
function wayTo(path: WindowsPath): WindowsPath[] {
  const parent = windowsParent(path)
  return parent === null ? [path] : [...wayTo(parent), path]
}

export function plannedPlace(path: WindowsPath): PlannedPlace {
  const [root = path] = wayTo(path)
  const anchor = root.replace(/\\?$/, '\\')
  return { anchor, below: path.slice(anchor.length) }
}

export interface SeenObject {
  readonly finalPath: string
  readonly reparseTag: number
}

export interface PlaceProblem {
  readonly path: string
  readonly message: string
}

const hint = 'name the directory that is meant, or take the link away'

function leadsElsewhere(path: string): PlaceProblem {
  return { path, message: `${path} is a link, and what is written there would go elsewhere; ${hint}` }
}

function isElsewhere(path: string): PlaceProblem {
  return {
    path,
    message: `${path} is not where it says, by a link, a drive that stands for another, or a short name; ${hint}`,
  }
}

/** The first thing on the way that leads elsewhere. `look`: null where nothing can be looked at, and then nothing is known below. */
export function placeProblem(path: WindowsPath, look: (path: WindowsPath) => SeenObject | null): PlaceProblem | null {
  for (const place of wayTo(path)) {
    const object = look(place)
    if (object === null) return null
    if (object.reparseTag !== 0) return leadsElsewhere(place)
    if (pathKey(object.finalPath) !== pathKey(place)) return isElsewhere(place)
  }
  return null
}

/** ERROR_REPARSE_POINT_ENCOUNTERED, ERROR_BAD_PATHNAME */
const [foundLink, foundElsewhere] = [4395, 161]

/** What a failure of the addon at a place says. */
export function placeFailure({ call, win32, path }: { call: string; win32: number; path: string }): PlaceProblem {
  if (call === 'verify' && win32 === foundLink) return leadsElsewhere(path)
  if (call === 'verify' && win32 === foundElsewhere) return isElsewhere(path)
  return { path, message: `${call} failed with ${win32} at ${path}` }
}
