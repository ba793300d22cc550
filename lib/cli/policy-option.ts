/**
 * Which policy a command line asks for: `--policy` with a preset's name or a file, `--writable`, `--network` and
 * `--no-network`. Gives the wire form of a policy; the library reads and judges it.
 */
import { policies } from '../index.ts'
import type { CommandLine, OptionSpecs } from './command-line.ts'
import { existingDirectory } from './directory.ts'
import { presets, readPolicy } from './policy-text.ts'
import { UsageError } from './usage-error.ts'

export const policyOptions: OptionSpecs = {
  policy: { type: 'string', short: 'p' },
  profile: { type: 'string' },
  writable: { type: 'string', short: 'w', multiple: true },
  network: { type: 'boolean' },
  'no-network': { type: 'boolean' },
}

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
  const read = readPolicy(name, line.one('profile'))
  const policy = objectOf(read.policy)
  return { policy: withNetwork(withWritable(policy, line, name), line), name, file: read.file }
}

/** A word as what it stands for, so that it can be added to. */
function objectOf(policy: unknown): unknown {
  if (policy === 'strict') return policies.strict()
  if (policy === 'full-access') return { type: 'danger-full-access' }
  return typeof policy === 'string' && presets.includes(policy) ? { type: policy } : policy
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
