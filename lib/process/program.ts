/**
 * Which files a command name may mean. The child tries them in order inside the sandbox, as execvp(3) does, because only
 * there it is known what can be seen and executed.
 */

/** What execvp(3) uses when the environment has no PATH. */
const defaultPath = '/usr/local/bin:/bin:/usr/bin'

/** What stands before a name in each folder of a PATH. */
interface Prefixes {
  readonly path: string
  readonly prefixes: readonly string[]
}

/** Of the last PATH that was asked for: a host gives nearly all its commands the same. */
let known = prefixesOf(defaultPath)

/** An empty folder is the working directory. */
function prefixesOf(path: string): Prefixes {
  const folders = new Set(path.split(':'))
  return { path, prefixes: [...folders].map(folder => (folder === '' ? './' : `${folder}/`)) }
}

/** A name with a slash means itself (relative to the working directory); any other is looked up on PATH. */
export function programCandidates(file: string, path: string = defaultPath): string[] {
  if (file.includes('/')) return [file]
  if (known.path !== path) known = prefixesOf(path)
  return known.prefixes.map(prefix => prefix + file)
}
