// The addon with AddressSanitizer and UndefinedBehaviorSanitizer (native/CMakeLists.txt, CASTELLAN_SANITIZE), and what a
// Node.js needs to load it.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const output = path.join(root, 'build/cmake-sanitize')

/**
 * `env` is for the Node.js that is to load it. `findings` gives the text of each finding so far, `remove` deletes them. Throws
 * when it cannot be built or loaded. Needs CMake and gcc with both runtimes. `build`: false takes what was built before.
 */
export function sanitizedAddon({ build }) {
  if (build) compile()
  // The loader wants FOLDER/build/Release.
  const folder = path.join(output, 'loaded')
  const loaded = path.join(folder, 'build/Release/castellan.node')
  fs.mkdirSync(path.dirname(loaded), { recursive: true })
  fs.copyFileSync(path.join(output, 'Release/castellan.node'), loaded)
  const found = fs.mkdtempSync(path.join(os.tmpdir(), 'castellan-sanitize-'))
  const log = `log_path=${path.join(found, 'finding')}`
  const env = {
    ...process.env,
    CASTELLAN_PREBUILD: folder,
    CASTELLAN_SANITIZE: '1',
    LD_PRELOAD: ['libasan.so', 'libubsan.so'].map(runtime).join(':'),
    // The child of a launch runs in the host's memory on a stack of its own; V8 catches faults of WebAssembly itself.
    ASAN_OPTIONS: `detect_leaks=0:allow_user_segv_handler=1:detect_stack_use_after_return=0:${log}`,
    UBSAN_OPTIONS: `print_stacktrace=1:halt_on_error=1:${log}`,
  }
  const remove = () => fs.rmSync(found, { recursive: true, force: true })
  try {
    assertLoaded(loaded, env)
  } catch (error) {
    remove()
    throw error
  }
  const findings = () => fs.readdirSync(found).map(name => fs.readFileSync(path.join(found, name), 'utf8'))
  return { env, findings, remove }
}

function compile() {
  const words = ['compile', '--directory', 'native', '--out', 'build/cmake-sanitize']
  const built = spawnSync('npx', ['cmake-js', ...words, '--CDCASTELLAN_SANITIZE=address,undefined'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (built.status !== 0) throw new Error('the addon with the sanitizers cannot be built')
}

function runtime(name) {
  const { stdout } = spawnSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' })
  return fs.realpathSync(stdout.trim())
}

/** Whether a finding would be one: the addon that is loaded is the one with the sanitizers. */
function assertLoaded(addon, env) {
  const script = `process.dlopen({ exports: {} }, ${JSON.stringify(addon)})
const maps = require('node:fs').readFileSync('/proc/self/maps', 'utf8')
process.exit(/cmake-sanitize/.test(maps) && /libasan/.test(maps) ? 0 : 3)`
  const symbols = spawnSync('nm', ['-D', '--undefined-only', addon], { encoding: 'utf8' })
  const { status } = spawnSync(process.execPath, ['-e', script], { env, stdio: 'inherit' })
  if (status !== 0 || !/__asan_report/.test(symbols.stdout))
    throw new Error('the addon with the sanitizers cannot be loaded')
}
