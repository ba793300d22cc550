/** Puts functions of an entry point into a file of their own, which is loaded when one of them is first called. */
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const prefix = '\0deferred:'
const everything = '\0deferred'

/** The file that holds them, in the form that other files of the bundle name it by. */
const place = './deferred.cjs'

/** The input of the bundler that makes this file. */
export const deferredInput = { deferred: everything }

/** `from` is the module of `dist` whose imports are replaced, `deferred` the names by module (bundle-entries.mjs). */
export function deferring({ dist, from, deferred }) {
  const entry = path.join(dist, from)
  return {
    name: 'deferring',
    resolveId(source, importer) {
      if (source === everything) return source
      if (source === place) return { id: source, external: true }
      if (importer !== entry) return null
      const module = path
        .relative(dist, path.resolve(path.dirname(entry), source))
        .split(path.sep)
        .join('/')
      return deferred[module] === undefined ? null : prefix + module
    },
    async load(id) {
      if (id === everything) {
        return Object.entries(deferred)
          .map(([module, names]) => `export { ${names.join(', ')} } from ${JSON.stringify(path.join(dist, module))}`)
          .join('\n')
      }
      if (!id.startsWith(prefix)) return null
      const module = id.slice(prefix.length)
      const originals = await import(pathToFileURL(path.join(dist, module)).href)
      return deferred[module].map(name => standIn(name, originals[name])).join('\n')
    },
  }
}

/** A failure to load is the call's: an async function rejects, as with every other failure. */
function standIn(name, original) {
  const kind = original.constructor.name === 'AsyncFunction' ? 'async function' : 'function'
  return `export ${kind} ${name}(...given) {\n  return require(${JSON.stringify(place)}).${name}(...given)\n}`
}
