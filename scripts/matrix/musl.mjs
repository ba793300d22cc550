/**
 * The addon for musl in musl's own loader. No JavaScript runtime for musl was found in the registries, so a small host stands in
 * for one: it loads the addon, asks for its version of Node-API and lets it register its functions.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { readElf } from '../prebuild/elf.mjs'
import { run } from '../prebuild/toolchain.mjs'

const source = fileURLToPath(new URL('musl/host.c', import.meta.url))

/** Returns `{ version, calls }` of the addon, or throws with what the loader said. `debian` is from debian.mjs. */
export function loadUnderMusl({ addon, debian, work }) {
  const names = readElf(readFileSync(addon)).imported.filter(name => name.startsWith('napi_'))
  const standIns = path.join(work, 'stand-ins.c')
  const functions = names.map(name => `int ${name}(void) { calls++; return 0; }`)
  writeFileSync(standIns, ['unsigned long calls;', ...functions, ''].join('\n'))
  const host = path.join(work, 'musl-host')
  const library = path.join(debian, 'usr/lib/x86_64-linux-musl')
  const begin = ['Scrt1.o', 'crti.o'].map(name => path.join(library, name))
  const flags = ['-nostdinc', '-isystem', path.join(debian, 'usr/include/x86_64-linux-musl'), '-nostdlib', '-rdynamic']
  const link = [path.join(debian, 'lib/x86_64-linux-musl/libc.so'), path.join(library, 'crtn.o'), '-o', host]
  run('gcc', ['-O1', '-fPIE', '-pie', ...flags, ...begin, source, standIns, ...link])
  const loader = path.join(debian, 'lib/ld-musl-x86_64.so.1')
  const { status, stdout, stderr } = spawnSync(loader, [host, addon], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr.trim() || `the host ended with ${status}`)
  return JSON.parse(stdout)
}
