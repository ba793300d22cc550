/**
 * Which policy a command line asks for: `--policy` with a preset's name or a file, `--writable`, `--network` and
 * `--no-network`. Gives the wire form of a policy; the library reads and judges it.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'

import type { CommandLine, OptionSpecs } from './command-line.ts'
import { existingDirectory } from './directory.ts'
import { suggestion } from './spelling.ts'
import { UsageError } from './usage-error.ts'

export const policyOptions: OptionSpecs = {
  policy: { type: 'string', short: 'p' },
  writable: { type: 'string', short: 'w', multiple: true },
  network: { type: 'boolean' },
  'no-network': { type: 'boolean' },
}

const presets = ['read-only', 'workspace-write', 'danger-full-access']

export interface PolicyChoice {
  /** As `createSandbox` takes it. */
  readonly policy: unknown
  /** The preset's name or the file, for a person. */
  readonly name: string
  /** The file it was read from, absolute. */
  readonly file: string | undefined
}

/** @throws {UsageError} for a file that cannot be read, or options that contradict each other or the policy */
export function choosePolicy(line: CommandLine): PolicyChoice {
  const name = line.one('policy') ?? 'workspace-write'
  const file = presets.includes(name) ? undefined : path.resolve(name)
  const policy = file === undefined ? { type: name } : readPolicyFile(file, name)
  return { policy: withNetwork(withWritable(policy, line, name), line), name, file }
}

function readPolicyFile(file: string, name: string): unknown {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && !name.includes('/')) {
      const known = `presets are ${presets.join(', ')}`
      throw new UsageError(
        `there is no preset and no file ${JSON.stringify(name)}; ${known}${suggestion(name, presets)}`,
      )
    }
    throw new UsageError(`cannot read the policy file ${name}: ${code ?? 'unknown error'}`)
  }
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'string' && presets.includes(value) ? { type: value } : value
  } catch {
    // The parser's own message quotes the file.
    throw new UsageError(`the policy file ${name} is not JSON`)
  }
}

function withWritable(policy: unknown, line: CommandLine, name: string): unknown {
  // The library leaves out roots that do not exist; one that was typed a moment ago is a mistake worth telling.
  const roots = line.all('writable').map(given => existingDirectory('--writable', given))
  if (roots.length === 0) return policy
  if (!isObject(policy) || policy['type'] !== 'workspace-write') {
    throw new UsageError(
      `--writable adds to a workspace-write policy, and ${name} is another; list the path in the policy`,
    )
  }
  const before: unknown = policy['writable_roots'] ?? []
  if (!Array.isArray(before)) return policy
  return { ...policy, writable_roots: [...before, ...roots] }
}

function withNetwork(policy: unknown, line: CommandLine): unknown {
  const [open, closed] = [line.has('network'), line.has('no-network')]
  if (open && closed) throw new UsageError('--network and --no-network contradict each other')
  if (!open && !closed) return policy
  const network = open ? 'enabled' : 'restricted'
  if (isObject(policy)) {
    if ('fileSystem' in policy || 'file_system' in policy) return { ...policy, network }
    if ('kind' in policy) return { fileSystem: policy, network }
    switch (policy['type']) {
      case 'read-only':
      case 'workspace-write':
        return { ...policy, network_access: open }
      case 'external-sandbox':
        return { ...policy, network_access: network }
      case 'danger-full-access':
        // The legacy model has no word for an open disk with a closed network.
        return open ? policy : { fileSystem: { kind: 'unrestricted', entries: [] }, network }
    }
  }
  throw new UsageError(`--${open ? '' : 'no-'}network cannot be applied to this policy; say it in the policy`)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
