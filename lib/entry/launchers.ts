/**
 * What stands in an entry directory under each name. A program of its own (a single executable, or one that the host names)
 * is linked to: it is told by its name, and must call `dispatchEntry`. A script under Node cannot be: a link to it needs an
 * execute bit, a `#!` line and the right `node` on the PATH of whoever calls. For it the name is a small shell script that
 * starts this library's own entries with the very Node that runs the host.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'

import { EntryError, OptionError } from '../errors.ts'
import { packageRoot } from '../native/package-root.ts'
import type { EntryName } from './names.ts'

export type Launcher =
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'script'; textFor(name: EntryName): string }

/** @param program An executable that calls `dispatchEntry`; undefined: found out. */
export async function launcherFor(program: string | undefined): Promise<Launcher> {
  if (program !== undefined) {
    if (!path.isAbsolute(program)) throw new OptionError('program', 'program must be an absolute path')
    return { kind: 'link', target: program }
  }
  if (await isSingleExecutable()) return { kind: 'link', target: process.execPath }
  const entry = path.join(packageRoot, 'dist/bundle/entry-program.js')
  if (!existsSync(entry)) {
    throw new EntryError('cannot make entries: the library is bundled; pass `program`, an executable that dispatches', {
      reason: 'bundled',
      path: entry,
    })
  }
  return { kind: 'script', textFor: name => scriptText(entry, name) }
}

async function isSingleExecutable(): Promise<boolean> {
  try {
    return (await import('node:sea')).isSea()
  } catch {
    // Before Node 20.12 there are none.
    return false
  }
}

function scriptText(entry: string, name: EntryName): string {
  const words = [process.execPath, entry, name].map(quoted).join(' ')
  // Electron's executable is Node only when it is told so.
  const electron = process.versions['electron'] === undefined ? '' : 'ELECTRON_RUN_AS_NODE=1 '
  return `#!/bin/sh\n${electron}exec ${words} "$@"\n`
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}
