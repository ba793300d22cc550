/**
 * Absolute Windows paths, made in one place: which spellings are taken, which are refused, and the key by which two spellings are
 * one place (spec/windows D). Lexical only: junctions, symbolic links and short (8.3) names are the business of `places.ts`.
 * Source: Microsoft, "Naming Files, Paths, and Namespaces".
 */

declare const windows: unique symbol

/** `C:\ws`, `C:\`, `\\server\share\x`: back slashes, upper-case drive, no `.` or `..`, no separator at the end but a drive's. */
export type WindowsPath = string & { readonly [windows]: true }

export type WindowsPathFlaw =
  /** No drive or share at the beginning, or a drive without a directory (`C:x`). */
  | 'relative'
  /** Device and volume names: `\\.\pipe\x`, `\\?\Volume{…}`, `CON`, `NUL.txt`. */
  | 'device'
  /** `file:stream`: a stream has no access list of its own. */
  | 'alternate-stream'
  /** A name that no file can have. */
  | 'bad-name'

export type ReadWindowsPath = { readonly path: WindowsPath } | { readonly flaw: WindowsPathFlaw }

interface Parsed {
  /** `C:` or `\\server\share`; null for relative paths. */
  readonly anchor: string | null
  readonly isDevice: boolean
  readonly names: readonly string[]
}

/** `\\?\C:\x`, `\\.\C:\x` and `\\?\UNC\server\share` say the same as their plain forms. */
function withoutPrefix(text: string): { readonly text: string; readonly isDevice: boolean } {
  const prefix = /^\\\\[?.]\\/.exec(text)
  if (prefix === null) return { text, isDevice: false }
  const rest = text.slice(4)
  if (/^[a-z]:(\\|$)/i.test(rest)) return { text: rest, isDevice: false }
  if (/^unc\\/i.test(rest)) return { text: `\\\\${rest.slice(4)}`, isDevice: false }
  return { text: rest, isDevice: true }
}

function split(given: string): Parsed {
  const { text, isDevice } = withoutPrefix(given.replaceAll('/', '\\'))
  const drive = /^([a-z]):(?:\\|$)/i.exec(text)
  if (drive !== null && text.length > 2) {
    return { anchor: `${drive[1]!.toUpperCase()}:`, isDevice, names: text.slice(3).split('\\') }
  }
  const share = /^\\\\([^\\]+)\\([^\\]+)/.exec(text)
  if (share !== null) {
    return { anchor: `\\\\${share[1]}\\${share[2]}`, isDevice, names: text.slice(share[0].length).split('\\') }
  }
  return { anchor: null, isDevice, names: text.split('\\') }
}

/** Win32 takes blanks and dots off the end of every name. */
function trimName(name: string): string {
  return name === '.' || name === '..' ? name : name.replace(/[. ]+$/, '')
}

function normalNames(names: readonly string[]): string[] {
  const normal: string[] = []
  for (const given of names) {
    const name = trimName(given)
    if (name === '' || name === '.') continue
    if (name === '..') normal.pop()
    else normal.push(name)
  }
  return normal
}

function assemble(anchor: string, names: readonly string[]): WindowsPath {
  const root = anchor.endsWith(':') && names.length === 0 ? `${anchor}\\` : anchor
  return [root, ...names].join('\\') as WindowsPath
}

const deviceName = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])\s*(\..*)?$/i
const forbidden = /[<>"|?*\0-\x1f]/

function flawOf({ anchor, isDevice, names }: Parsed): WindowsPathFlaw | null {
  if (isDevice) return 'device'
  if (anchor === null) return 'relative'
  for (const name of names) {
    if (name.includes(':')) return 'alternate-stream'
    if (forbidden.test(name) || /^[. ]{3,}$|^ +$/.test(name)) return 'bad-name'
    if (deviceName.test(trimName(name))) return 'device'
  }
  return forbidden.test(anchor) || anchor.slice(2).includes(':') ? 'bad-name' : null
}

/** Reads a path as a policy, an environment variable or a host spells it. */
export function readWindowsPath(text: string): ReadWindowsPath {
  const parsed = split(text)
  const flaw = flawOf(parsed)
  return flaw === null ? { path: assemble(parsed.anchor!, normalNames(parsed.names)) } : { flaw }
}

/** The same where a flaw means that there is no such place. */
export function windowsPathOrNull(text: string): WindowsPath | null {
  const read = readWindowsPath(text)
  return 'path' in read ? read.path : null
}

/**
 * A character as the key has it. Only pairs of letters that lead to each other are one: `ſ`, `ı` and the Kelvin sign, which
 * JavaScript folds into other letters, are different names on the disk.
 */
function foldCharacter(character: string): string {
  const lower = character.toLowerCase()
  if (lower !== character)
    return lower.length === character.length && lower.toUpperCase() === character ? lower : character
  return character
}

/** The same name in another case has the same folded form. */
export function foldName(name: string): string {
  // Nearly all names are ASCII, and every comparison folds.
  return /^[\0-\x7f]*$/.test(name) ? name.toLowerCase() : Array.from(name, foldCharacter).join('')
}

/**
 * What two spellings of one place share, for stores and comparison: forward slashes, lower case, no slash at the end but a drive's.
 * Takes any text; one that is not absolute keeps its names.
 */
export function pathKey(text: string): string {
  const { anchor, names } = split(text)
  const normal = normalNames(names)
  return foldName(anchor === null ? normal.join('/') : assemble(anchor, normal)).replaceAll('\\', '/')
}

/** Whole components; every path is under itself. */
export function keyContains(parent: string, key: string): boolean {
  return key === parent || key.startsWith(parent.endsWith('/') ? parent : `${parent}/`)
}

/** `C:\`, or a share: what has no parent. */
export function isAnchor(path: WindowsPath): boolean {
  return /^(?:[A-Z]:\\|\\\\[^\\]+\\[^\\]+)$/.test(path)
}

/** Null for a drive and for a share. */
export function windowsParent(path: WindowsPath): WindowsPath | null {
  if (isAnchor(path)) return null
  const parent = path.slice(0, path.lastIndexOf('\\'))
  return (parent.endsWith(':') ? `${parent}\\` : parent) as WindowsPath
}

/** `name` is one plain name. */
export function windowsChild(path: WindowsPath, name: string): WindowsPath {
  return (path.endsWith('\\') ? `${path}${name}` : `${path}\\${name}`) as WindowsPath
}

export function windowsBaseName(path: WindowsPath): string {
  return isAnchor(path) ? path : path.slice(path.lastIndexOf('\\') + 1)
}
