// npm run questions -- [COUNT]
//
// Asks the index of random policies and the rule of the specification, one entry after the other, the same random questions: a
// million unless told otherwise. The suite asks fewer of the same test.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const [count = '1000000'] = process.argv.slice(2)
if (!/^\d+$/.test(count) || Number(count) % 50 !== 0) {
  console.error('questions: COUNT is a multiple of 50')
  process.exit(2)
}
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))
const words = ['run', 'test/policy/properties.test.ts', '-t', 'one entry at a time']
const { status } = spawnSync(process.execPath, [vitest, ...words], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  env: { ...process.env, CASTELLAN_POLICY_QUESTIONS: count },
  stdio: 'inherit',
})
process.exitCode = status ?? 1
