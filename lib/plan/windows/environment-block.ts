/**
 * The block that `CreateProcess` takes: `NAME=value\0…\0\0` in UTF-16, sorted by upper-cased name (spec/windows G.1).
 * Source: Microsoft, "Changing Environment Variables".
 */
import { OptionError } from '../../errors.ts'
import { type Variables, variableKey } from './environment-names.ts'

function checkName(name: string): void {
  // `=C:` and its like are the drives' working directories.
  const wrong = name === '' || name.includes('\0') || name.indexOf('=', 1) !== -1 || name === '='
  if (wrong) throw new OptionError('env', `no environment variable can be named ${JSON.stringify(name)}`)
}

function compareKeys(left: string, right: string): number {
  return left < right ? -1 : 1
}

/**
 * The text of the block. Undefined values are left out.
 *
 * @throws {OptionError} `env`, for a name or value that cannot be in a block, and for two spellings of one name
 */
export function environmentBlock(variables: Variables): string {
  const known = new Map<string, string>()
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) continue
    checkName(name)
    if (value.includes('\0')) throw new OptionError('env', `the value of ${name} has a NUL in it`)
    const key = variableKey(name)
    if (known.has(key)) throw new OptionError('env', `${name} is there twice, in different letter case`)
    known.set(key, `${name}=${value}\0`)
  }
  if (known.size === 0) return '\0\0'
  const sorted = [...known].sort(([left], [right]) => compareKeys(left, right))
  return `${sorted.map(([, text]) => text).join('')}\0`
}

/** What a process reads from a block: the inverse of `environmentBlock`. */
export function readEnvironmentBlock(block: string): Record<string, string> {
  const variables: Record<string, string> = Object.create(null)
  for (const text of block.split('\0')) {
    if (text === '') break
    const sign = text.indexOf('=', 1)
    variables[text.slice(0, sign)] = text.slice(sign + 1)
  }
  return variables
}
