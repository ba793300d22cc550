// Removes build output folders named on the command line. Only names inside the repository are accepted.
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
for (const name of process.argv.slice(2)) {
  if (!/^[\w-]+$/.test(name)) throw new Error(`clean: '${name}' is not a folder name`)
  rmSync(`${root}${name}`, { recursive: true, force: true })
}
