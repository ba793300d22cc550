/** Blanks as the reference knows them: `String.trim` differs in two characters, it takes U+FEFF and leaves U+0085. */

const BLANK = /\p{White_Space}/u

/** Without the blanks at both ends. */
export function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && BLANK.test(text[start]!)) start++
  while (end > start && BLANK.test(text[end - 1]!)) end--
  return text.slice(start, end)
}
