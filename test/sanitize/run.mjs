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
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('../../', import.meta.url))
const build = path.join(root, 'build/cmake-sanitize')
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

if (options.build) {
  const words = [
    'compile',
    '--directory',
    'native',
    '--out',
    'build/cmake-sanitize',
    '--CDCASTELLAN_SANITIZE=address,undefined',
  ]
  const built = spawnSync('npx', ['cmake-js', ...words], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  if (built.status !== 0) process.exit(2)
}
// The loader wants FOLDER/build/Release.
const folder = path.join(build, 'loaded')
fs.mkdirSync(path.join(folder, 'build/Release'), { recursive: true })
fs.copyFileSync(path.join(build, 'Release/castellan.node'), path.join(folder, 'build/Release/castellan.node'))

const runtime = name => {
  const { stdout } = spawnSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' })
  return fs.realpathSync(stdout.trim())
}
const findings = fs.mkdtempSync(path.join(os.tmpdir(), 'castellan-sanitize-'))
const log = `log_path=${path.join(findings, 'finding')}`
const env = {
  ...process.env,
  CASTELLAN_PREBUILD: folder,
  CASTELLAN_SANITIZE: '1',
  LD_PRELOAD: ['libasan.so', 'libubsan.so'].map(runtime).join(':'),
  // The child of a launch runs in the host's memory on a stack of its own; V8 catches faults of WebAssembly itself.
  ASAN_OPTIONS: `detect_leaks=0:allow_user_segv_handler=1:detect_stack_use_after_return=0:${log}`,
  UBSAN_OPTIONS: `print_stacktrace=1:halt_on_error=1:${log}`,
}

/** Whether a finding would be one: the addon that is loaded is the one with the sanitizers. */
function assertLoaded() {
  const script = `process.dlopen({ exports: {} }, ${JSON.stringify(path.join(folder, 'build/Release/castellan.node'))})
const maps = require('node:fs').readFileSync('/proc/self/maps', 'utf8')
process.exit(/cmake-sanitize/.test(maps) && /libasan/.test(maps) ? 0 : 3)`
  const symbols = spawnSync('nm', ['-D', '--undefined-only', path.join(folder, 'build/Release/castellan.node')], {
    encoding: 'utf8',
  })
  const { status } = spawnSync(process.execPath, ['-e', script], { env, stdio: 'inherit' })
  if (status !== 0 || !/__asan_report/.test(symbols.stdout))
    throw new Error('the addon with the sanitizers cannot be loaded')
}

try {
  assertLoaded()
  const words = ['vitest', 'run', '--testTimeout=120000', '--no-file-parallelism', ...tests]
  const { status } = spawnSync('npx', words, { cwd: root, env, stdio: 'inherit' })
  const found = fs.readdirSync(findings)
  for (const name of found) console.log(fs.readFileSync(path.join(findings, name), 'utf8'))
  console.log(`${tests.length} files, ${found.length} findings of the sanitizers`)
  process.exitCode = status === 0 && found.length === 0 ? 0 : 1
} finally {
  fs.rmSync(findings, { recursive: true, force: true })
}
