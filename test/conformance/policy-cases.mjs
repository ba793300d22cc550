/** Runs cases of schema `policy-cases/1`: each in its own tree, each question counted by itself. */
import { isDeepStrictEqual } from 'node:util'
import { standUp } from './case-tree.mjs'
import { answer, loadLibrary, Unsupported } from './policy-questions.mjs'

export const schema = 'policy-cases/1'

function ask(given, question, library, root) {
  try {
    return { got: answer(given, question, library, root) }
  } catch (error) {
    if (error instanceof Unsupported) return { skipped: error.message }
    return { got: { threw: String(error) } }
  }
}

/** The outcomes of one case, one per question: `passed`, `failed` with what was expected and got, or `skipped`. */
export function runCase(original, library) {
  const tree = standUp(original)
  try {
    return tree.case.ask.map((question, index) => {
      const { expect, ...asked } = original.ask[index]
      const { got, skipped } = ask(tree.case, question, library, tree.root)
      if (skipped !== undefined) return { outcome: 'skipped', asked, reason: skipped }
      const answered = tree.portable(got)
      if (isDeepStrictEqual(answered, expect)) return { outcome: 'passed', asked }
      return { outcome: 'failed', asked, expected: expect, got: answered }
    })
  } finally {
    tree.dispose()
  }
}

export { loadLibrary }
