/**
 * The four ways to compare a line of a patch with a line of a file, in the order in which they are tried (the reference's
 * order). Models lose trailing blanks, then indentation, then typographic characters; never more than that is forgiven.
 */

export const leniencies = ['exact', 'right-trimmed', 'trimmed', 'normalised'] as const

export type Leniency = (typeof leniencies)[number]

const dashes = /[\u2010-\u2015\u2212]/g
const singleQuotes = /[\u2018-\u201b]/g
const doubleQuotes = /[\u201c-\u201f]/g
const spaces = /[\u00a0\u2002-\u200a\u202f\u205f\u3000]/g
const beyondAscii = /[^\0-\x7f]/

/** Two lines are alike under `leniency` when their keys are equal. */
export const keyOf: Readonly<Record<Leniency, (text: string) => string>> = {
  exact: text => text,
  'right-trimmed': text => text.trimEnd(),
  trimmed: text => text.trim(),
  normalised: text => {
    const trimmed = text.trim()
    if (!beyondAscii.test(trimmed)) return trimmed
    return trimmed.replace(dashes, '-').replace(singleQuotes, "'").replace(doubleQuotes, '"').replace(spaces, ' ')
  },
}
