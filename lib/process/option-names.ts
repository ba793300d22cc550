/**
 * Refuses options that do not exist, with the right spelling where there is one: a misspelt option of a sandbox must never
 * be ignored.
 */
import { OptionError } from '../errors.ts'

/** Throws OptionError (`ERR_INVALID_OPTION`) for the first member of `options` that is not in `known`. */
export function checkNames(options: object, known: ReadonlySet<string>): void {
  if (typeof options !== 'object' || options === null) throw new OptionError('options', 'options must be an object')
  for (const name of Object.keys(options)) {
    if (known.has(name)) continue
    const close = [...known].find(candidate => isClose(name, candidate))
    throw new OptionError(name, `unknown option ${JSON.stringify(name)}${close ? `; did you mean ${close}?` : ''}`)
  }
}

/** Equal but for case, separators or at most two characters. */
function isClose(a: string, b: string): boolean {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '')
  const [x, y] = [plain(a), plain(b)]
  if (x === y) return true
  if (Math.abs(x.length - y.length) > 2) return false
  let row = Array.from({ length: y.length + 1 }, (_, index) => index)
  for (let i = 1; i <= x.length; i++) {
    const next = [i]
    for (let j = 1; j <= y.length; j++) {
      const swap = row[j - 1]! + (x[i - 1] === y[j - 1] ? 0 : 1)
      next.push(Math.min(swap, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[y.length]! <= 2
}
