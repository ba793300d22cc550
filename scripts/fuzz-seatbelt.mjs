/**
 * Compares Seatbelt profiles of random policies with the policies: node scripts/fuzz-seatbelt.mjs [--checks N] [--seed N]
 * Needs a build. Exits with 1 when an answer differs. Default: 200000 checks.
 */
import { parseArgs } from 'node:util'

import { fuzz } from '../test/agreement/seatbelt-fuzz.mjs'

const { values } = parseArgs({
  options: { checks: { type: 'string', default: '200000' }, seed: { type: 'string', default: '1' } },
})
const modules = ['policy/access', 'policy/parse', 'policy/resolve', 'policy/canonical', 'plan/macos/profile']
  .concat(['plan/macos/grants', 'plan/macos/network', 'plan/macos/sbpl-machine'])
  .map(name => import(new URL(`../dist/${name}.js`, import.meta.url)))
const library = Object.assign({}, ...(await Promise.all(modules)))
const { policies, checks, words, found } = fuzz({ checks: Number(values.checks), seed: Number(values.seed), library })
for (const line of found) console.log(line)
console.log(`${policies} policies, ${checks} checks of profiles, ${words} of words, ${found.length} differences`)
if (found.length > 0) process.exitCode = 1
