/** The patterns of a profile as a JavaScript expression, for the machine. Refuses what we never write. */
import { InternalError } from '../../errors.ts'

// Anchors, groups, alternatives, the three quantifiers, classes without escapes, and escaped punctuation.
const known = /^(?:\\[^A-Za-z0-9]|\[\^?[^[\]\\]+\]|\((?!\?)|[)|*+?.^$]|[^\\[\](){}|*+?.^$])*$/u

export function sbplRegex(pattern: string): RegExp {
  if (!known.test(pattern)) throw new InternalError(`a profile holds a pattern that is not known: ${pattern}`)
  // Every character of a path counts, line ends too. An escaped character that needs no escape stands for itself.
  return new RegExp(
    pattern.replaceAll(/\\([^A-Za-z0-9])/g, (_, character: string) => quoteForRegex(character)),
    'su',
  )
}

/** `regex-quote` of the profile language. */
export function quoteForRegex(text: string): string {
  return text.replaceAll(/[\\^$.|?*+()[\]{}/]/g, found => `\\${found}`)
}
