#!/usr/bin/env node
// npm run sanitize: tests of the native code with a build of the addon that has AddressSanitizer and
// UndefinedBehaviorSanitizer (native/CMakeLists.txt, CASTELLAN_SANITIZE). Needs CMake and gcc with both runtimes.
//
//   npm run sanitize -- [--no-build] [TEST FILE or folder …]
//
// The runtimes are preloaded into Node.js. test/setup.ts takes them out of the environment before a test starts a process:
// commands are other programs. So no test is run here that starts a host of its own. Leaks are not looked for: Node.js keeps
// what it needs to its end. A finding ends the process that has it, fails the run, and is printed. Ends with 1 then.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { sanitizedAddon } from './addon.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const { values: options, positionals } = parseArgs({
  options: { build: { type: 'boolean', default: true } },
  allowNegative: true,
  allowPositionals: true,
})
const names = 'contract limits leaks run termination fork'.split(' ')
const files = [
  ...names.map(name => `test/process/${name}.test.ts`),
  'test/enforcement/escapes.test.ts',
  'test/enforcement/writes.test.ts',
]
const tests = positionals.length > 0 ? positionals : files

const addon = sanitizedAddon(options)
try {
  const words = ['vitest', 'run', '--testTimeout=120000', '--no-file-parallelism', ...tests]
  const { status } = spawnSync('npx', words, { cwd: root, env: addon.env, stdio: 'inherit' })
  const findings = addon.findings()
  for (const finding of findings) console.log(finding)
  console.log(`${tests.length} files, ${findings.length} findings of the sanitizers`)
  process.exitCode = status === 0 && findings.length === 0 ? 0 : 1
} finally {
  addon.remove()
}
