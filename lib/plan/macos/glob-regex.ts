/**
 * From a denying pattern of a policy to the patterns that Seatbelt matches kernel paths with (spec/macos D.2). What a
 * pattern stands for is closed with everything below it. Where it is not known how Seatbelt reads something (bytes or
 * characters, escapes in a class, quotes) it is written so that every reading matches, or matches more.
 */
import { fixedPlaces, type Glob } from '../../policy/glob.ts'
import { type AbsolutePath, ROOT } from '../../policy/path.ts'

type Component = Glob['choices'][number][number]
type Token = Extract<Component, { kind: 'wild' }>['tokens'][number]

// A printable ASCII character but the separator, or one other character: up to four bytes of UTF-8.
const otherCharacter = '[^ -~]([^ -~]([^ -~][^ -~]?)?)?'
const oneCharacter = `([ -.0-~]|${otherCharacter})`

export interface ClosedPattern {
  /** The fixed beginning, as the kernel calls it. */
  readonly base: AbsolutePath
  /** Anchored. */
  readonly regex: string
}

/** One for each choice of the pattern, and for each name of its fixed beginning: as spelled and as the kernel has it. */
export function closedPatterns(glob: Glob, canonical: (path: AbsolutePath) => AbsolutePath): ClosedPattern[] {
  return fixedPlaces(glob).flatMap(({ path }, index) => {
    const choice = glob.choices[index]!
    const wild = choice.findIndex(({ kind }) => kind !== 'name')
    const rest = wild < 0 ? [] : choice.slice(wild)
    const base = canonical(path)
    return [...new Set([path, base])].map(spelling => ({ base, regex: patternOf(spelling, rest) }))
  })
}

function patternOf(base: AbsolutePath, rest: readonly Component[]): string {
  const fixed =
    base === ROOT ? '' : [...base].map(character => (character === '/' ? '/' : plainText(character))).join('')
  const parts = rest.map((component, index) => {
    const last = index + 1 === rest.length
    // Any number of directories; as the last one at least one name.
    if (component.kind === 'directories') return last ? '.+' : '(.*/)?'
    return `${component.kind === 'name' ? plainText(component.name) : component.tokens.map(tokenPattern).join('')}${last ? '' : '/'}`
  })
  return `^${fixed}${rest.length === 0 ? '' : '/'}${parts.join('')}(/.*)?$`
}

function tokenPattern(token: Token): string {
  switch (token.kind) {
    case 'many':
      return '[^/]*'
    case 'one':
      return oneCharacter
    case 'character':
      return plainText(token.character)
    default:
      return token.negated ? negatedClass(token.ranges) : positiveClass(token.ranges)
  }
}

/** Text that means itself. What a string of a profile might read otherwise is any character instead. */
function plainText(text: string): string {
  return [...text]
    .map(character => {
      if (/["\\\p{Cc}]/u.test(character)) return '[^/]'
      return /[\^$.|?*+()[\]{}]/.test(character) ? `\\${character}` : character
    })
    .join('')
}

type Range = readonly [string, string]

// What every engine reads in a class as itself.
const plainMember = /^[A-Za-z0-9 _.,:;@#%&=~!<>'`$()*+?{}|]$/

function inClass([low, high]: Range): string | null {
  if (low === high) return plainMember.test(low) ? low : null
  const plain = [/^[0-9]$/, /^[a-z]$/, /^[A-Z]$/].some(kind => kind.test(low) && kind.test(high))
  return plain ? `${low}-${high}` : null
}

/** What has no place in a class stands beside it: single characters one by one, everything beyond ASCII as one. */
function positiveClass(ranges: readonly Range[]): string {
  const members = ranges.map(inClass).filter(member => member !== null)
  const beside = ranges.filter(range => inClass(range) === null).flatMap(spelledOut)
  const alternatives = [...(members.length > 0 ? [`[${members.join('')}]`] : []), ...new Set(beside)]
  return alternatives.length === 1 ? alternatives[0]! : `(${alternatives.join('|')})`
}

function spelledOut([low, high]: Range): string[] {
  const texts: string[] = []
  const last = high.codePointAt(0)!
  for (let code = low.codePointAt(0)!; code <= Math.min(last, 0x7e); code++) {
    if (code !== 0x2f) texts.push(plainText(String.fromCodePoint(code)))
  }
  return last > 0x7e ? [...texts, low === high ? plainText(low) : otherCharacter] : texts
}

/** What cannot be named in a class without doubt is not excluded by it. */
function negatedClass(ranges: readonly Range[]): string {
  const excluded = ranges.map(inClass).filter(member => member !== null)
  return `([^/${excluded.join('')}]|${otherCharacter})`
}
