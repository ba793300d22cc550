/**
 * What of a user's profile is never opened to a command: directories in which programs keep credentials, and those that the
 * configuration of ssh refers to (spec/windows D).
 */
import { type AbsolutePath, baseNameOf, contains, parentOf } from '../../policy/path.ts'
import { PROTECTED_NAMES } from '../../policy/protections.ts'
import { type Places, policyChild, policyPathOf } from './places.ts'
import { windowsPathFrom } from './policy-input.ts'
import { foldName, type WindowsPath } from './windows-path.ts'

/** As in the reference of 2026-06. */
export const credentialDirectories: readonly string[] = [
  '.ssh',
  '.tsh',
  '.brev',
  '.gnupg',
  '.aws',
  '.azure',
  '.kube',
  '.docker',
  '.config',
  '.npm',
  '.pki',
  '.terraform.d',
]

/** Keywords of ssh_config(5) whose values are paths; each takes one or more. */
const sshPathKeywords = new Set([
  'include',
  'identityfile',
  'certificatefile',
  'identityagent',
  'userknownhostsfile',
  'globalknownhostsfile',
  'revokedhostkeys',
  'controlpath',
  'pkcs11provider',
  'securitykeyprovider',
  'xauthlocation',
])

// As deep as ssh itself follows them.
const INCLUDE_DEPTH = 16
const CONFIG_LIMIT = 1 << 20

function* wordsOf(text: string): Generator<string> {
  for (const found of text.matchAll(/"([^"]*)"|(\S+)/g)) yield found[1] ?? found[2] ?? ''
}

/** `%d` and `~` are the profile; other signs stay in the last names, where they do not change the directory. */
function expanded(word: string, profile: WindowsPath, base: WindowsPath): WindowsPath | null {
  const text = word
    .replace(/^~(?=$|[\\/])/, profile)
    .replace(/^(?:%d|\$\{?(?:HOME|USERPROFILE)\}?)(?=$|[\\/])/, profile)
  const signs = text.search(/[%*?]/)
  const fixed = signs === -1 ? text : text.slice(0, signs).replace(/[^\\/]*$/, '')
  return fixed === '' ? base : windowsPathFrom(base, fixed)
}

function* sshPlaces(config: WindowsPath, profile: WindowsPath, places: Places, depth = 0): Generator<AbsolutePath> {
  const text = depth > INCLUDE_DEPTH ? null : places.files.readText(config, CONFIG_LIMIT)
  const base = windowsPathFrom(profile, '.ssh')!
  for (const line of (text ?? '').split(/\r?\n/)) {
    const found = /^\s*([a-z0-9]+)(?:\s*=\s*|\s+)(.*)$/i.exec(line)
    const keyword = found?.[1]?.toLowerCase() ?? ''
    if (!sshPathKeywords.has(keyword)) continue
    for (const word of wordsOf(found![2]!)) {
      const path = expanded(word, profile, base)
      if (path === null) continue
      yield places.paths.canonical(policyPathOf(path))
      if (keyword === 'include' && places.files.targetKindOf(path) === 'file') {
        yield* sshPlaces(path, profile, places, depth + 1)
      }
    }
  }
}

export interface Profile {
  readonly path: AbsolutePath
  /** The credential directories, and what ssh refers to: children of the profile. */
  readonly closed: readonly AbsolutePath[]
}

function childOfProfile(profile: AbsolutePath, path: AbsolutePath): AbsolutePath | null {
  let place = path
  while (place !== profile && parentOf(place) !== profile && parentOf(place) !== place) place = parentOf(place)
  return parentOf(place) === profile && place !== profile ? place : null
}

/** The profile of the user, canonical. Null when the host does not say where it is. */
export function profileOf(directory: WindowsPath | null, places: Places): Profile | null {
  if (directory === null) return null
  const path = places.paths.canonical(policyPathOf(directory))
  const profile = places.spell(path)
  const kept = credentialDirectories.map(name => places.paths.canonical(policyChild(path, name)))
  const config = windowsPathFrom(profile, '.ssh\\config')!
  const referred = [...sshPlaces(config, profile, places)].flatMap(place => childOfProfile(path, place) ?? [])
  return { path, closed: [...new Set([...kept, ...referred])] }
}

export function isCredential(path: AbsolutePath, profile: Profile | null): boolean {
  return (profile?.closed ?? []).some(closed => contains(closed, path))
}

/** What stands in the profile and may be opened in its place, canonical. */
export function openChildren(profile: Profile, places: Places): AbsolutePath[] {
  const names = places.files.list(places.spell(profile.path)) ?? []
  return names
    .map(name => policyChild(profile.path, name))
    .filter(path => places.view.kindOf(path) !== 'symlink' && !isCredential(path, profile))
}

/** Names that are never opened for writing as a root of their own. */
export function isProtectedName(path: AbsolutePath): boolean {
  return PROTECTED_NAMES.some(name => foldName(name) === baseNameOf(path))
}
