/** Two checks by others of the tarball as a file: publint on its manifest, "are the types wrong?" on its declarations. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'

import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

import { root } from '../prebuild/toolchain.mjs'

/** What publint finds, suggestions included, as sentences. */
export async function publintFindings(tarball, manifest) {
  const bytes = readFileSync(tarball)
  const { messages } = await publint({
    pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) },
  })
  return messages.map(message => `publint: ${formatMessage(message, manifest) ?? message.code}`)
}

/**
 * What attw finds, as sentences. The package is ESM for Node.js 20.18 on: TypeScript's `node10` resolution, which knows no
 * `exports`, and a `require` that older versions cannot do are passed over (profile `esm-only`).
 */
export function typesFindings(tarball) {
  const program = path.join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js')
  const args = [program, tarball, '--profile', 'esm-only', '--format', 'json']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 28 })
  if (status === 0) return []
  let kinds
  try {
    kinds = Object.keys(JSON.parse(stdout).problems)
  } catch {
    throw new Error(`attw failed: ${stderr || stdout}`)
  }
  return kinds.map(kind => `attw: ${kind}`)
}
