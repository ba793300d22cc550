/** Debian's packages, unpacked into a folder: nothing is installed on the machine that runs this. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'

import { run } from '../prebuild/toolchain.mjs'

/** What another C library and another processor take. */
const packages = ['musl', 'musl-dev', 'qemu-user-static', 'libc6-arm64-cross', 'libgcc-s1-arm64-cross'].concat(
  'libstdc++6-arm64-cross',
)

/** The root folder of what was unpacked, below `folder`; undefined where there is no apt-get. */
export function debianFiles(folder) {
  const root = path.join(folder, 'root')
  if (existsSync(root)) return root
  if (spawnSync('apt-get', ['--version']).status !== 0) return undefined
  mkdirSync(folder, { recursive: true })
  const scratch = mkdtempSync(path.join(folder, 'new-'))
  try {
    run('apt-get', ['-qq', 'download', ...packages], { cwd: scratch })
    const made = path.join(scratch, 'root')
    for (const name of readdirSync(scratch)) run('dpkg-deb', ['--extract', name, made], { cwd: scratch })
    renameSync(made, root)
    return root
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
