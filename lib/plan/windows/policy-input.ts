/**
 * Reads a policy whose paths are Windows paths: the same words as everywhere, with every path turned into the policy layer's
 * form (`places.ts`). `~` is a name like any other here (spec/policy PATH-3).
 *
 * Throws `PolicyError` ERR_POLICY_INVALID and nothing else.
 */
import { PolicyError } from '../../errors.ts'
import { WORKSPACE_PATTERN } from '../../policy/glob-place.ts'
import { guarded } from '../../policy/parse.ts'
import type { AbsolutePath } from '../../policy/path.ts'
import type { Policy } from '../../policy/policy.ts'
import { parseSandboxPolicy } from '../../policy/sandbox-policy.ts'
import { policyPathOf, type Spellings } from './places.ts'
import { foldName, readWindowsPath, type WindowsPath, type WindowsPathFlaw, windowsParent } from './windows-path.ts'

export interface WindowsPolicy {
  readonly policy: Policy
  readonly spellings: Spellings
}

const flawTexts: Readonly<Record<WindowsPathFlaw, string>> = {
  relative: 'it is not absolute; begin it with a drive or a share',
  device: 'it names a device',
  'alternate-stream': 'it names a stream of a file, which has no access list of its own',
  'bad-name': 'no file can have such a name',
}

function refuse(location: string, text: string, problem: string): never {
  throw new PolicyError(
    'ERR_POLICY_INVALID',
    `cannot read policy at ${location}: found ${JSON.stringify(text)}, ${problem}`,
    {
      location,
    },
  )
}

type Members = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isProjectRoots(value: unknown): value is Members {
  return isObject(value) && value['kind'] === 'project_roots'
}

/** Turns the paths of one document. What is no text or stands in no known place is the parser's business. */
class Reader {
  readonly spellings = new Map<AbsolutePath, WindowsPath>()
  readonly #cwd: WindowsPath

  constructor(cwd: WindowsPath) {
    this.#cwd = cwd
  }

  #path(value: unknown, location: string): unknown {
    if (typeof value !== 'string') return value
    const read = readWindowsPath(value)
    if ('flaw' in read) return refuse(location, value, flawTexts[read.flaw])
    return this.#note(read.path)
  }

  #note(path: WindowsPath): AbsolutePath {
    for (let place: WindowsPath | null = path; place !== null; place = windowsParent(place)) {
      const key = policyPathOf(place)
      if (!this.spellings.has(key)) this.spellings.set(key, place)
    }
    return policyPathOf(path)
  }

  /** A subpath may be absolute or climb (spec/policy SPEC-1). */
  #subpath(value: unknown, location: string): unknown {
    if (typeof value !== 'string') return value
    const read = readWindowsPath(value)
    if ('path' in read) return this.#note(read.path)
    const below = readWindowsPath(`${this.#cwd}\\${value}`)
    if (read.flaw !== 'relative' || 'flaw' in below || /^[\\/]|^[a-z]:/i.test(value)) {
      return refuse(location, value, 'it is no path below the working directory')
    }
    this.#note(below.path)
    return foldName(value).replaceAll('\\', '/')
  }

  /** Back slashes separate here, so nothing in a pattern can be escaped. */
  #pattern(value: unknown, location: string): unknown {
    if (typeof value !== 'string') return value
    if (value.startsWith(WORKSPACE_PATTERN)) {
      return `${WORKSPACE_PATTERN}${this.#pattern(value.slice(WORKSPACE_PATTERN.length), location)}`
    }
    const text = foldName(value).replaceAll('\\', '/')
    const drive = /^(?:\/\/[?.]\/)?([a-z]:)(\/.*)$/.exec(text)
    const share = /^\/\/(?:[?.]\/unc\/)?([^/?*.[{][^/?*[{]*\/[^/?*[{]+)(\/.*)$/.exec(text)
    const rest = drive?.[2] ?? share?.[2] ?? text
    if (rest.includes(':') || (drive === null && share === null && text.startsWith('/'))) {
      return refuse(location, value, 'it stands for no file: begin it with a drive, a share or a name')
    }
    if (drive !== null) return `/${drive[1]}${rest}`
    return share === null ? text : `/unc:/${share[1]}${rest}`
  }

  #paths(value: unknown, location: string): unknown {
    return Array.isArray(value) ? value.map((item, index) => this.#path(item, `${location}[${index}]`)) : value
  }

  #entryPath(value: unknown, location: string): unknown {
    if (!isObject(value)) return value
    if (value['type'] === 'path') return { ...value, path: this.#path(value['path'], `${location}.path`) }
    if (value['type'] === 'glob_pattern') {
      return { ...value, pattern: this.#pattern(value['pattern'], `${location}.pattern`) }
    }
    const special = value['value']
    if (!isProjectRoots(special)) return value
    const subpath = this.#subpath(special['subpath'], `${location}.value.subpath`)
    return { ...value, value: { ...special, ...(subpath === undefined ? {} : { subpath }) } }
  }

  #fileSystem(value: unknown, location: string): unknown {
    if (!isObject(value) || !Array.isArray(value['entries'])) return value
    const entries = value['entries'].map((entry: unknown, index) =>
      isObject(entry) ? { ...entry, path: this.#entryPath(entry['path'], `${location}entries[${index}].path`) } : entry,
    )
    return { ...value, entries }
  }

  #readAccess(value: unknown, location: string): unknown {
    if (!isObject(value)) return value
    return 'readable_roots' in value
      ? { ...value, readable_roots: this.#paths(value['readable_roots'], `${location}.readable_roots`) }
      : value
  }

  document(value: unknown): unknown {
    if (!isObject(value)) return value
    const turned: Record<string, unknown> = { ...(this.#fileSystem(value, '') as Members) }
    for (const member of ['access', 'read_only_access']) {
      if (member in turned) turned[member] = this.#readAccess(turned[member], member)
    }
    if ('writable_roots' in turned) turned['writable_roots'] = this.#paths(turned['writable_roots'], 'writable_roots')
    for (const member of ['fileSystem', 'file_system']) {
      if (member in turned) turned[member] = this.#fileSystem(turned[member], `${member}.`)
    }
    return turned
  }
}

/**
 * Reads what `parseSandboxPolicy` reads (but profiles and earlier results), with Windows paths.
 *
 * @param cwd what relative subpaths belong to
 */
export function parseWindowsPolicy(input: unknown, cwd: WindowsPath): WindowsPolicy {
  const reader = new Reader(cwd)
  const policy = guarded('policy', () => parseSandboxPolicy(reader.document(input), { unknownMembers: 'refuse' }))
  return { policy, spellings: reader.spellings }
}

/** The place of a relative or absolute text seen from a directory; null when it is no path. */
export function windowsPathFrom(base: WindowsPath, text: string): WindowsPath | null {
  const read = readWindowsPath(text)
  if ('path' in read) return read.path
  if (read.flaw !== 'relative' || /^[\\/]|^[a-z]:/i.test(text)) return null
  const joined = readWindowsPath(`${base}\\${text}`)
  return 'path' in joined ? joined.path : null
}
