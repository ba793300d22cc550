/**
 * A folder of its own for one suite: a workspace, a place outside of it, and the probe.
 */
import { createHash } from 'node:crypto'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'

export interface World {
  readonly base: string
  /** The path of something in this world. */
  at(...names: readonly string[]): string
  /** Makes files (a string is the content) and directories (`null`); intermediate directories come along. */
  make(entries: Readonly<Record<string, string | null>>): void
  remove(): void
}

export function makeWorld(name: string): World {
  const base = realpathSync(mkdtempSync(path.join(os.tmpdir(), `castellan-${name}-`)))
  const at = (...names: readonly string[]) => path.join(base, ...names)
  return {
    base,
    at,
    make(entries) {
      for (const [entry, content] of Object.entries(entries)) {
        mkdirSync(content === null ? at(entry) : path.dirname(at(entry)), { recursive: true })
        if (content !== null) writeFileSync(at(entry), content)
      }
    },
    remove: () => rmSync(base, { recursive: true, force: true, maxRetries: 3 }),
  }
}

/** Everything below a folder with kind, mode, size, times and content: equal before and after means that nothing changed. */
export function snapshot(folder: string): Record<string, string> {
  const found: Record<string, string> = {}
  const walk = (place: string) => {
    const stats = lstatSync(place)
    const content = stats.isFile()
      ? createHash('sha256').update(readFileSync(place)).digest('hex').slice(0, 12)
      : stats.isSymbolicLink()
        ? readlinkSync(place)
        : ''
    found[path.relative(folder, place) || '.'] = `${stats.mode.toString(8)} ${stats.ino} ${stats.mtimeMs} ${content}`
    if (stats.isDirectory()) for (const name of readdirSync(place)) walk(path.join(place, name))
  }
  walk(folder)
  return found
}
