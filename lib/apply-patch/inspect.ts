/** Says which files of a plan are old and which are new, for instance after the process that applied it was killed. */

import { Buffer } from 'node:buffer'
import { basename, dirname } from 'node:path'

import type { FileChange } from './changes.ts'
import { Directories } from './directories.ts'
import { largestFile } from './draft.ts'
import { errnoNameOf } from './errors.ts'
import type { FileAccess } from './file-access.ts'
import { nodeFileAccess } from './node-access.ts'
import type { PatchPlan } from './plan.ts'

export interface InspectedFile {
  /** Absolute, without symbolic links. */
  readonly path: string
  /** `other`: neither; somebody else has written it. */
  readonly state: 'old' | 'new' | 'other'
}

/** One result per path; a move has two. Reads only. Rejects with the system's error when a file cannot be read. */
export async function inspectPlan(
  plan: PatchPlan,
  options: { readonly access?: FileAccess } = {},
): Promise<InspectedFile[]> {
  const directories = new Directories(options.access ?? nodeFileAccess())
  try {
    const files: InspectedFile[] = []
    for (const change of plan.changes) {
      for (const expected of expectationsOf(change)) files.push(await inspect(expected, directories))
    }
    return files
  } finally {
    await directories.close()
  }
}

type Expected = Pick<FileChange, 'path' | 'before' | 'after'> & { readonly existed: boolean }

function expectationsOf(change: FileChange): Expected[] {
  const { path, before, after, from } = change
  if (from === null) return [{ path, before, after, existed: change.kind !== 'add' }]
  return [
    { path: from, before, after: null, existed: true },
    { path, before: null, after, existed: false },
  ]
}

async function inspect(expected: Expected, directories: Directories): Promise<InspectedFile> {
  const { path, before, after, existed } = expected
  const found = await contentOf(path, directories)
  if (found === 'missing') return { path, state: after === null ? 'new' : existed ? 'other' : 'old' }
  if (after !== null && found !== 'unread' && Buffer.compare(found, after) === 0) return { path, state: 'new' }
  // Without its old content (a link, a very large file) that it is still there is all there is to see.
  const old = existed && (before === null || (found !== 'unread' && Buffer.compare(found, before) === 0))
  return { path, state: old ? 'old' : 'other' }
}

async function contentOf(path: string, directories: Directories): Promise<Uint8Array | 'missing' | 'unread'> {
  try {
    const directory = await directories.at(dirname(path))
    const status = await directory.status(basename(path))
    if (status === null) return 'missing'
    if (status.kind !== 'file' || status.identity.size > largestFile) return 'unread'
    return await directory.read(basename(path), largestFile)
  } catch (error) {
    if (errnoNameOf(error) === 'ENOENT') return 'missing'
    throw error
  }
}
