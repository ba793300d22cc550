/** How the command `castellan` of this very package is started anew. */
import { existsSync } from 'node:fs'
import path from 'node:path'

import { packageRoot } from './package-root.ts'

export interface OwnProgram {
  readonly program: string
  readonly args: readonly string[]
}

/** Null where there is no such file beside this one, and where the running program is no Node.js (Electron is the application). */
export function ownProgram(
  root: string = packageRoot,
  { execPath, versions }: Pick<NodeJS.Process, 'execPath' | 'versions'> = process,
): OwnProgram | null {
  const script = path.join(root, 'dist/bundle/castellan.js')
  if (versions['electron'] !== undefined || !existsSync(script)) return null
  return { program: execPath, args: [script] }
}
