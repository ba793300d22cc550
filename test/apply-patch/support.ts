/** A private directory per test, and what is in it as data. */

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach } from 'vitest'

const made: string[] = []

afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true })
})

/** A canonical directory that is removed after the test. */
export function workspace(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'castellan-patch-')))
  made.push(path)
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true })
    writeFileSync(join(path, name), content)
  }
  return path
}

/** Every file below `path` with its bytes as Latin-1; links as `-> target`, directories as `<directory>`. */
export function tree(path: string, prefix = ''): Record<string, string> {
  const found: Record<string, string> = {}
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const name = prefix + entry.name
    const full = join(path, entry.name)
    if (entry.isSymbolicLink()) found[name] = `-> ${readlinkSync(full)}`
    else if (entry.isDirectory()) Object.assign(found, { [`${name}/`]: '<directory>' }, tree(full, `${name}/`))
    else found[name] = readFileSync(full, 'latin1')
  }
  return found
}

/** Only the files of `tree`. */
export function files(path: string): Record<string, string> {
  return Object.fromEntries(Object.entries(tree(path)).filter(([name]) => !name.endsWith('/')))
}

export function patchOf(...lines: string[]): string {
  return ['*** Begin Patch', ...lines, '*** End Patch', ''].join('\n')
}

/** What `run` rejects with. */
export async function rejection(run: Promise<unknown>): Promise<unknown> {
  try {
    await run
  } catch (error) {
    return error
  }
  throw new Error('did not reject')
}
