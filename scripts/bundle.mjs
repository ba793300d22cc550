/**
 * Joins the compiled modules in dist/ to the few files that are published: Node loads ten files in a fraction of the time of
 * two hundred. The packages that the library depends on stay outside. The modules themselves are for the tests and tools of
 * this repository, and their declarations (`.d.ts`) are published.
 *
 * dist/bundle is what runs: parts in CommonJS, which can be loaded in the middle of a function (scripts/package/deferred.mjs),
 * behind ES modules with the names that package.json and its `exports` know. dist/bundle-modules is the same library for
 * bundlers, which join ES modules better: nothing in it is put off.
 */
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

import { deferred, libraries, programs } from './package/bundle-entries.mjs'
import { deferredInput, deferring } from './package/deferred.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = path.join(root, 'dist')

/** Makes the folder beside the old one, which is gone then: names of parts change with what is in them. */
async function join(name, { entries, inputs = {}, plugins = [], format, extension, finish = () => {} }) {
  const input = Object.fromEntries(Object.entries(entries).map(([entry, module]) => [entry, path.join(dist, module)]))
  const bundle = await rolldown({
    input: { ...input, ...inputs },
    cwd: root,
    platform: 'node',
    external: id => /^[\w@]/.test(id),
    plugins,
    // What is imported for its effect alone does not exist here; package.json says so too.
    treeshake: { moduleSideEffects: false },
    // How long it takes depends on what else the machine does.
    checks: { bundlerTimings: false },
    onLog(level, log) {
      if (level === 'warn') throw new Error(`bundle: ${log.message}`)
    },
  })
  const made = path.join(dist, `${name}.new`)
  rmSync(made, { recursive: true, force: true })
  const { output } = await bundle.write({
    dir: made,
    format,
    // What they say is in the declarations; Node reads every byte at each start.
    comments: false,
    entryFileNames: `[name]${extension}`,
    chunkFileNames: `part-[name]-[hash]${extension}`,
  })
  await bundle.close()
  finish(made, output)
  const place = path.join(dist, name)
  rmSync(place, { recursive: true, force: true })
  renameSync(made, place)
  console.log(`${name}: ${readdirSync(place).length} files`)
}

/** The ES modules before the parts. */
function writeFronts(folder, output) {
  for (const name of Object.keys(libraries)) {
    const { exports } = output.find(({ fileName }) => fileName === `${name}.cjs`)
    const names = exports.toSorted().join(',\n  ')
    const text = `import library from './${name}.cjs'\n\nexport const {\n  ${names},\n} = library\n`
    writeFileSync(path.join(folder, `${name}.js`), text)
  }
  for (const name of Object.keys(programs)) {
    const text = `#!/usr/bin/env node\nimport program from './${name}.cjs'\n\nawait program.ended\n`
    writeFileSync(path.join(folder, `${name}.js`), text)
  }
}

await join('bundle', {
  entries: { ...libraries, ...programs },
  inputs: deferredInput,
  plugins: [deferring({ dist, from: libraries.index, deferred })],
  format: 'cjs',
  extension: '.cjs',
  finish: writeFronts,
})
await join('bundle-modules', { entries: libraries, format: 'esm', extension: '.js' })
