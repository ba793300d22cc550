// Checks the format of the C++ sources with clang-format (.clang-format), when it is installed: a machine without one can
// still run the other checks, and is told. `--write` formats instead.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const files = readdirSync(path.join(root, 'native'), { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.cc') || name.endsWith('.h'))
  .map(name => path.join('native', name))
  .sort()
if (files.length === 0) throw new Error('check-format: there are no C++ files below native/')

const act = process.argv.includes('--write') ? ['-i'] : ['--dry-run', '-Werror']
const run = spawnSync('clang-format', [...act, ...files], { cwd: root, stdio: 'inherit' })
if (run.error?.code === 'ENOENT') {
  console.log('check-format: clang-format is not installed, so the C++ sources were not checked')
} else if (run.error !== undefined) {
  throw run.error
} else if (run.status === 0) {
  console.log(`check-format: ${files.length} C++ files are formatted`)
} else {
  console.error('check-format: run `node scripts/check-format.mjs --write`')
  process.exitCode = 1
}
