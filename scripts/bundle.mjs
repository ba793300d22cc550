/**
 * Joins the compiled modules in dist/ to the few files that are published, dist/bundle: Node loads ten files in a fraction of
 * the time of two hundred. The packages that the library depends on stay outside. The modules themselves are for the tests
 * and tools of this repository, and their declarations (`.d.ts`) are published.
 */
import { readdirSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

import { entries } from './package/bundle-entries.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = path.join(root, 'dist')
const bundle = await rolldown({
  input: Object.fromEntries(Object.entries(entries).map(([name, module]) => [name, path.join(dist, module)])),
  cwd: root,
  platform: 'node',
  external: id => !id.startsWith('.') && !path.isAbsolute(id),
  // What is imported for its effect alone does not exist here; package.json says so too.
  treeshake: { moduleSideEffects: false },
  onLog(level, log) {
    if (level === 'warn') throw new Error(`bundle: ${log.message}`)
  },
})
// Beside the old files, which are gone then: names of parts change with what is in them.
const made = path.join(dist, 'bundle.new')
rmSync(made, { recursive: true, force: true })
await bundle.write({
  dir: made,
  format: 'esm',
  // What they say is in the declarations; Node reads every byte at each start.
  comments: false,
  entryFileNames: '[name].js',
  chunkFileNames: 'part-[name]-[hash].js',
})
await bundle.close()
const place = path.join(dist, 'bundle')
rmSync(place, { recursive: true, force: true })
renameSync(made, place)
console.log(`bundle: ${readdirSync(place).length} files`)
