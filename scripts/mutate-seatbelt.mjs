/**
 * Makes one mistake after the other in Seatbelt profiles and tells which of them no case and no random policy finds:
 * node scripts/mutate-seatbelt.mjs   (needs a build)
 */
import { readFileSync } from 'node:fs'

import { reportMutants } from '../test/agreement/mutation-report.mjs'
import { fuzz } from '../test/agreement/seatbelt-fuzz.mjs'
import { mutantsOf } from '../test/agreement/seatbelt-mutants.mjs'
import { loadLibrary, profileOfCase, runCase } from '../test/conformance/seatbelt-semantics.mjs'

const load = name => import(new URL(`../dist/${name}.js`, import.meta.url))
const library = Object.assign({}, await loadLibrary(load), await load('policy/access'))
const cases = ['macos', 'macos-more'].flatMap(name => {
  const document = JSON.parse(readFileSync(new URL(`../test/conformance/cases/${name}.json`, import.meta.url), 'utf8'))
  return document.cases
    .filter(({ expectError }) => expectError === undefined)
    .map(given => ({ given, document, profile: profileOfCase(given, library, document).profile }))
})

const mutants = mutantsOf(
  cases.map(({ profile }) => profile),
  library,
)
const isFound = ({ alter }) =>
  cases.some(
    ({ given, document, profile }) =>
      alter(profile).text !== profile.text &&
      runCase(given, library, document, alter).some(({ outcome }) => outcome === 'failed'),
  ) || fuzz({ checks: 20_000, seed: 7, library, alter }).found.length > 0
await reportMutants(mutants, isFound)
