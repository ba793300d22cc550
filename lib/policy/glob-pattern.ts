/**
 * The language of patterns (spec L6-6): `*` and `?` stay inside one name, `**` as a whole name stands for any number of
 * directories, `[a-z]`, `[!a]`, `{a,b}`, `\` takes the next character as it is. Names that begin with a dot are nothing special.
 *
 * A pattern is read into lists of components once; matching then costs the length of the path times that of the pattern,
 * whatever either holds. No regular expression: a policy must not be able to keep its reader busy.
 *
 * Where a choice was left, more is denied: an empty alternative counts (`.env{,.local}` is also `.env`), and a pattern that
 * cannot be read is no pattern at all, which callers must take for one that matches everything.
 */

/** One character of a name, or what stands for one. */
type Token =
  | { readonly kind: 'character'; readonly character: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'many' }
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [string, string])[] }

export type Component =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'wild'; readonly tokens: readonly Token[] }
  | { readonly kind: 'directories' }

/** More alternatives than any list of names has; braces multiply. */
const MOST_ALTERNATIVES = 1024
/** The longest pattern, in UTF-16 units: as long as a path of the system can be. */
const LONGEST_PATTERN = 4096

class Malformed extends Error {}

interface Class {
  readonly token: Token
  readonly end: number
}

/** The class that begins at `start`, or null when it is not closed: then the bracket means itself. */
function classAt(text: readonly string[], start: number): Class | null {
  let index = start + 1
  const negated = text[index] === '!' || text[index] === '^'
  if (negated) index++
  const ranges: [string, string][] = []
  for (let first = true; text[index] !== ']' || first; first = false) {
    const low = text[index]
    if (low === undefined) return null
    const isRange = text[index + 1] === '-' && text[index + 2] !== undefined && text[index + 2] !== ']'
    const high = isRange ? text[index + 2]! : low
    if (low.codePointAt(0)! > high.codePointAt(0)!) throw new Malformed()
    ranges.push([low, high])
    index += isRange ? 3 : 1
  }
  // A name cannot hold a separator, so this cannot be what was meant.
  if (ranges.some(range => range.includes('/'))) throw new Malformed()
  return { token: { kind: 'class', negated, ranges }, end: index }
}

/** Where the group that begins at `start` ends, and its commas. */
function groupAt(text: readonly string[], start: number): { readonly end: number; readonly commas: number[] } {
  const commas: number[] = []
  let depth = 0
  for (let index = start; index < text.length; index++) {
    const character = text[index]
    if (character === '\\') index++
    else if (character === '[') index = classAt(text, index)?.end ?? index
    else if (character === '{') depth++
    else if (character === ',' && depth === 1) commas.push(index)
    else if (character === '}' && --depth === 0) return { end: index, commas }
  }
  throw new Malformed()
}

/** The pattern without groups, once for each choice. */
function withoutGroups(text: readonly string[], into: string[][]): string[][] {
  for (let index = 0; index < text.length; index++) {
    const character = text[index]
    if (character === '\\') index++
    else if (character === '[') index = classAt(text, index)?.end ?? index
    else if (character === '}') throw new Malformed()
    else if (character === '{') {
      const { end, commas } = groupAt(text, index)
      const cuts = [index, ...commas, end]
      for (let choice = 1; choice < cuts.length; choice++) {
        const chosen = text.slice(cuts[choice - 1]! + 1, cuts[choice])
        withoutGroups([...text.slice(0, index), ...chosen, ...text.slice(end + 1)], into)
      }
      return into
    }
  }
  if (into.push([...text]) > MOST_ALTERNATIVES) throw new Malformed()
  return into
}

function tokenAt(text: readonly string[], index: number): Class {
  const character = text[index]!
  switch (character) {
    case '?':
      return { token: { kind: 'one' }, end: index }
    case '*':
      return { token: { kind: 'many' }, end: index }
    case '[':
      return classAt(text, index) ?? { token: { kind: 'character', character }, end: index }
    case '\\': {
      const escaped = text[index + 1]
      if (escaped === undefined) throw new Malformed()
      return { token: { kind: 'character', character: escaped }, end: index + 1 }
    }
    default:
      return { token: { kind: 'character', character }, end: index }
  }
}

function componentOf(tokens: readonly Token[]): Component {
  if (tokens.length === 2 && tokens.every(token => token.kind === 'many')) return { kind: 'directories' }
  const isName = tokens.every(token => token.kind === 'character')
  if (!isName) return { kind: 'wild', tokens }
  return { kind: 'name', name: tokens.map(token => (token.kind === 'character' ? token.character : '')).join('') }
}

function componentsOf(text: readonly string[]): Component[] {
  const components: Component[] = []
  let tokens: Token[] = []
  const close = () => {
    if (tokens.length > 0) components.push(componentOf(tokens))
    tokens = []
  }
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '/') close()
    else {
      const { token, end } = tokenAt(text, index)
      tokens.push(token)
      index = end
    }
  }
  close()
  return components
}

/** The choices of a pattern that was made absolute; null when it cannot be read. */
export function readPattern(pattern: string): readonly (readonly Component[])[] | null {
  if (pattern.length > LONGEST_PATTERN) return null
  try {
    return withoutGroups([...pattern], []).map(componentsOf)
  } catch (error) {
    if (error instanceof Malformed) return null
    throw error
  }
}

function matchesOne(token: Token, character: string): boolean {
  switch (token.kind) {
    case 'character':
      return token.character === character
    case 'class': {
      const point = character.codePointAt(0)!
      const inside = token.ranges.some(([low, high]) => low.codePointAt(0)! <= point && point <= high.codePointAt(0)!)
      return inside !== token.negated
    }
    default:
      return token.kind === 'one'
  }
}

/** Walks both once; after a mismatch the last `*` takes one character more. Earlier ones never need to. */
function matchesTokens(tokens: readonly Token[], name: readonly string[]): boolean {
  let token = 0
  let character = 0
  let star: { readonly token: number; character: number } | null = null
  while (character < name.length) {
    const next = tokens[token]
    if (next?.kind === 'many') star = { token: token++, character }
    else if (next !== undefined && matchesOne(next, name[character]!)) {
      token++
      character++
    } else if (star !== null) {
      token = star.token + 1
      character = ++star.character
    } else return false
  }
  return tokens.slice(token).every(rest => rest.kind === 'many')
}

/** Whether one name is what the component says. `directories` is any name here. */
export function matchesName(component: Component, name: string): boolean {
  switch (component.kind) {
    case 'name':
      return component.name === name
    case 'wild':
      return matchesTokens(component.tokens, [...name])
    default:
      return true
  }
}
