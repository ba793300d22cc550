/**
 * A policy as the command line names it: a preset's word, a JSON file, a TOML file with `[permissions]` profiles, or `-` for
 * standard input. The library reads and judges what is in it.
 */
import { readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

import { PolicyError } from '../index.ts'
import {
  type PermissionsNotice,
  parsePermissionsToml,
  parseSandboxPolicy,
  readPolicyJson,
  withJsonPlaces,
} from '../policy/index.ts'
import { suggestion } from './spelling.ts'
import { UsageError } from './usage-error.ts'

export const presets = ['read-only', 'workspace-write', 'strict', 'full-access', 'danger-full-access']

export interface PolicyText {
  /** As `createSandbox` takes it. */
  readonly policy: unknown
  /** The preset's name or the file, for a person. */
  readonly name: string
  /** The file it was read from, absolute. */
  readonly file: string | undefined
  /** The profile, when it is a TOML text. */
  readonly profile: string | undefined
  readonly notices: readonly PermissionsNotice[]
}

/**
 * @throws {UsageError} for a file that cannot be read, or a profile asked of what has none; {PolicyError} for a text that is no
 * JSON or TOML, or a profile that cannot be read
 */
export function readPolicy(name: string, profile: string | undefined): PolicyText {
  if (presets.includes(name)) {
    if (profile !== undefined) throw new UsageError(`--profile belongs to a TOML file, and ${name} is a preset`)
    return { policy: name, name, file: undefined, profile: undefined, notices: [] }
  }
  const text = readText(name)
  const file = name === '-' ? undefined : path.resolve(name)
  if (!isToml(name, text)) {
    if (profile !== undefined) throw new UsageError(`--profile belongs to a TOML file, and ${name} is JSON`)
    return { policy: parseJson(text, name), name, file, profile: undefined, notices: [] }
  }
  const read = parsePermissionsToml(text, { profile, home: os.homedir() })
  return { policy: read.policy, name, file, profile: read.profile, notices: read.notices }
}

function isToml(name: string, text: string): boolean {
  if (name.endsWith('.toml')) return true
  return !name.endsWith('.json') && !/^\s*["{[]/.test(text.replace(/^\s*\[[^\n"]*\]\s*$/m, 'x')) && text.includes('=')
}

function readText(name: string): string {
  try {
    const bytes = readFileSync(name === '-' ? 0 : name)
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && !name.includes('/')) {
      const known = `presets are ${presets.join(', ')}`
      throw new UsageError(
        `there is no preset and no file ${JSON.stringify(name)}; ${known}${suggestion(name, presets)}`,
      )
    }
    throw new UsageError(
      `cannot read the policy file ${name}: ${code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8' : (code ?? 'unknown error')}`,
    )
  }
}

function parseJson(text: string, name: string): unknown {
  try {
    const json = readPolicyJson(text)
    // Read here only for its errors, which can name a place now. The library reads it again, in the words of the system.
    if (process.platform !== 'win32') withJsonPlaces(text, () => parseSandboxPolicy(json))
    return json
  } catch (error) {
    throw error instanceof PolicyError ? inFile(error, name) : error
  }
}

/** The same error with the file and the place in its message. */
function inFile(error: PolicyError, name: string): PolicyError {
  const { location, place, cause } = error
  const source = name === '-' ? 'the policy' : `the policy file ${name}`
  const problem = error.message.replace(/^cannot read [^:]*: /, '')
  const at = place === undefined ? '' : ` at line ${place.line}, column ${place.column}`
  const member = location === '' || place === undefined || location.startsWith('line ') ? '' : ` (${location})`
  return new PolicyError('ERR_POLICY_INVALID', `cannot read ${source}${at}${member}: ${problem}`, {
    location,
    cause,
    ...(place === undefined ? {} : { place }),
  })
}
