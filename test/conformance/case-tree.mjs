/**
 * The directory that a policy case is asked in, made as appendix A of the specification says and removed afterwards, also
 * when the run is interrupted.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

const PLACEHOLDER = '${' + 'ROOT}'
const standing = new Set()

function isUnderTmp(directory) {
  return directory === '/tmp' || directory.startsWith('/tmp/')
}

/** A real directory for work: outside /tmp unless the case wants to be there. */
function placeFor(placement) {
  if (placement === 'slash-tmp') return realpathSync('/tmp')
  for (const candidate of ['/var/tmp', homedir(), process.cwd()]) {
    const directory = realpathSync(candidate)
    if (!isUnderTmp(directory)) return directory
  }
  throw new Error('cannot place a case: no directory outside /tmp')
}

function write(root, name, content) {
  mkdirSync(dirname(join(root, name)), { recursive: true })
  writeFileSync(join(root, name), content)
}

function build(root, { dirs = [], files = {}, filesBase64 = {}, links = {} }) {
  for (const name of dirs) mkdirSync(join(root, name), { recursive: true })
  for (const [name, text] of Object.entries(files)) write(root, name, text)
  for (const [name, text] of Object.entries(filesBase64)) write(root, name, Buffer.from(text, 'base64'))
  for (const [name, target] of Object.entries(links)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    symlinkSync(target, join(root, name))
  }
}

function remove(root) {
  rmSync(root, { recursive: true, force: true })
  standing.delete(root)
}

export function removeAll() {
  for (const root of standing) remove(root)
}

function replaceIn(value, from, to) {
  return JSON.parse(JSON.stringify(value).replaceAll(from, to))
}

/** The case with its directory filled in; answers are turned back by `portable`. Call `dispose` when done. */
export function standUp(given) {
  const root = mkdtempSync(join(placeFor(given.placement), 'castellan-case-'))
  standing.add(root)
  const filled = replaceIn(given, PLACEHOLDER, root)
  build(root, filled.tree ?? {})
  return {
    root,
    case: filled,
    portable: value => (value === undefined ? undefined : replaceIn(value, root, PLACEHOLDER)),
    dispose: () => remove(root),
  }
}
