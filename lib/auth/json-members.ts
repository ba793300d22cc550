/**
 * JSON objects, member by member, with the text of each value.
 *
 * `JSON.parse` forgets that a member was written twice and rounds large numbers. The reference refuses a known member that
 * occurs twice, and we must give members that we do not know back exactly as they were. So the text is checked by
 * `JSON.parse` first and then walked for the borders of the outer members; nothing here ever reports what it read.
 */

export interface JsonMember {
  readonly key: string
  /** The value as it stands in the text. */
  readonly text: string
  readonly value: unknown
}

/** The members of the object that `text` holds, in order, duplicates included; nothing when it is not a JSON object. */
export function parseObjectMembers(text: string): readonly JsonMember[] | undefined {
  if (!isObjectText(text)) return undefined
  const members: JsonMember[] = []
  let position = skipSpace(text, skipSpace(text, 0) + 1)
  while (text[position] !== '}') {
    const keyEnd = endOfString(text, position)
    const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1)
    const valueEnd = endOfValue(text, valueStart)
    const valueText = text.slice(valueStart, valueEnd)
    members.push({ key: JSON.parse(text.slice(position, keyEnd)), text: valueText, value: JSON.parse(valueText) })
    position = skipSpace(text, valueEnd)
    if (text[position] === ',') position = skipSpace(text, position + 1)
  }
  return members
}

function isObjectText(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    // The parser's own message quotes the text, so it must not travel on.
    return false
  }
}

function skipSpace(text: string, position: number): number {
  while (text[position] === ' ' || text[position] === '\n' || text[position] === '\r' || text[position] === '\t')
    position++
  return position
}

function endOfString(text: string, start: number): number {
  let position = start + 1
  while (text[position] !== '"') position += text[position] === '\\' ? 2 : 1
  return position + 1
}

function endOfValue(text: string, start: number): number {
  if (text[start] === '"') return endOfString(text, start)
  if (text[start] !== '{' && text[start] !== '[') {
    let position = start
    while (position < text.length && !/[\s,}\]]/.test(text[position]!)) position++
    return position
  }
  let depth = 0
  let position = start
  do {
    const character = text[position]
    if (character === '"') {
      position = endOfString(text, position)
      continue
    }
    if (character === '{' || character === '[') depth++
    if (character === '}' || character === ']') depth--
    position++
  } while (depth > 0)
  return position
}

/** Half of a character pair: legal in JavaScript, but not text that the reference would accept. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}

/** The same JSON without the spaces between its parts; numbers and strings keep their spelling. */
export function compactJson(text: string): string {
  let compact = ''
  for (let position = 0; position < text.length; ) {
    const end = text[position] === '"' ? endOfString(text, position) : position + 1
    const part = text.slice(position, end)
    if (!/^[ \t\r\n]$/.test(part)) compact += part
    position = end
  }
  return compact
}
