/**
 * Reads whatever a host may pass as a policy: a preset's name, a legacy policy, a runtime profile, a file-system policy, a
 * pair, or a policy that was read before. Stricter than the wire: a member that does not exist is refused unless the caller says otherwise,
 * because a misspelt `exclude_slash_tmp` or `entries` would weaken the policy silently.
 */

import type { Model } from './model.ts'
import { guarded, type ParseOptions, parseFileSystemPolicy, parseLegacyPolicy, parseNetworkPolicy } from './parse.ts'
import type { FileSystemSandboxPolicy, NetworkSandboxPolicy, Policy } from './policy.ts'
import { policies } from './presets.ts'
import { refusal, show, suggestion, within } from './refusal.ts'
import { PROFILE_TAGS, parseRuntimeProfile, policyOfProfile } from './runtime-profile.ts'

const DOCUMENT = 'policy'
/** The words that stand for a preset. */
export const PRESETS = ['read-only', 'workspace-write', 'strict', 'danger-full-access', 'full-access'] as const
const PAIR_MEMBERS = ['fileSystem', 'file_system', 'network'] as const
const SHAPES = 'a preset word, an object with `type`, one with `kind`, or one with `fileSystem` and `network`'

function preset(word: string): Policy {
  switch (word) {
    case 'read-only':
      return policies.readOnly()
    case 'workspace-write':
      return policies.workspaceWrite()
    case 'strict':
      return policies.strict()
    case 'danger-full-access':
    case 'full-access':
      return policies.dangerFullAccess()
    default:
      throw refusal(
        DOCUMENT,
        '',
        `found ${show(word)}, accepted is ${PRESETS.join(', ')}, or a policy object${suggestion(word, PRESETS)}`,
      )
  }
}

function refuseOthers(input: object, members: readonly string[]): void {
  for (const member of Object.keys(input)) {
    if (members.includes(member)) continue
    throw refusal(DOCUMENT, member, `there is no member ${show(member)}${suggestion(member, members)}`)
  }
}

function fileSystemOf(input: object, options: ParseOptions): FileSystemSandboxPolicy {
  const camel = 'fileSystem' in input ? input.fileSystem : undefined
  const snake = 'file_system' in input ? input.file_system : undefined
  if (camel !== undefined && snake !== undefined) {
    throw refusal(DOCUMENT, 'file_system', 'found both fileSystem and file_system, accepted is one of them')
  }
  if (camel === undefined && snake === undefined) {
    throw refusal(DOCUMENT, 'fileSystem', 'found nothing, accepted is a file-system policy')
  }
  const member = camel === undefined ? 'file_system' : 'fileSystem'
  return within(member, () => parseFileSystemPolicy(camel ?? snake, options))
}

function split(fileSystem: FileSystemSandboxPolicy, network: NetworkSandboxPolicy = 'restricted'): Policy {
  return { form: 'split', fileSystem, network }
}

function pair(input: object, members: readonly string[], options: ParseOptions): Policy {
  refuseOthers(input, members)
  const fileSystem = fileSystemOf(input, options)
  const network = 'network' in input ? input.network : undefined
  return network === undefined
    ? split(fileSystem)
    : split(
        fileSystem,
        within('network', () => parseNetworkPolicy(network)),
      )
}

// What looks like a policy that was read before is read again: the type does not prove where a value comes from.
function readBefore(input: object & { readonly form: unknown }, options: ParseOptions): Policy {
  if (input.form === 'split') return pair(input, ['form', 'fileSystem', 'network'], options)
  if (input.form !== 'legacy' || !('legacy' in input)) {
    throw refusal(DOCUMENT, 'form', `found ${show(input.form)}, accepted is legacy, split`)
  }
  refuseOthers(input, ['form', 'legacy'])
  return { form: 'legacy', legacy: within('legacy', () => parseLegacyPolicy(input.legacy, options)) }
}

// The words of `type` are different in legacy policies and in profiles.
function tagged(input: object & { readonly type: unknown }, options: ParseOptions): Policy {
  const isProfile = options.model !== '2026-03' && (PROFILE_TAGS as readonly unknown[]).includes(input.type)
  if (!isProfile) return { form: 'legacy', legacy: parseLegacyPolicy(input, options) }
  const { fileSystem, network } = policyOfProfile(parseRuntimeProfile(input, options))
  return split(fileSystem, network)
}

function read(input: unknown, options: ParseOptions): Policy {
  if (typeof input === 'string') return preset(input)
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw refusal(DOCUMENT, '', `found ${show(input)}, accepted is ${SHAPES}`)
  }
  if ('form' in input) return readBefore(input, options)
  if ('type' in input && 'kind' in input) {
    throw refusal(DOCUMENT, '', 'found both `type` and `kind`, accepted is one of them')
  }
  if ('type' in input) return tagged(input, options)
  if ('kind' in input) return split(parseFileSystemPolicy(input, options))
  if (Object.keys(input).length === 0) throw refusal(DOCUMENT, '', `found an empty object, accepted is ${SHAPES}`)
  return pair(input, PAIR_MEMBERS, options)
}

/** What this file gave, with the model it was read in: frozen through and through, so that reading it again would say the same. */
const given = new WeakMap<object, Model | undefined>()

function wasGiven(input: unknown, model: Model | undefined): input is Policy {
  return typeof input === 'object' && input !== null && given.has(input) && given.get(input) === model
}

/**
 * Reads a policy as a host passes it to the library: `read-only`, `workspace-write`, `strict`, `full-access` (or
 * `danger-full-access`); a legacy policy object or a runtime profile of 2026-06 (they have `type`); a file-system policy
 * object (it has `kind`; the network is then restricted); a pair `{fileSystem, network}` (`file_system` is accepted too,
 * `network` defaults to `restricted`); or an earlier result, which is given back as it is.
 *
 * Unlike the parsers of the wire forms it refuses members that do not exist; `unknownMembers: 'ignore'` takes that back
 * inside the wire forms, never for the members of the pair itself.
 *
 * @throws {PolicyError} ERR_POLICY_INVALID; `location` is the place in the policy
 */
export function parseSandboxPolicy(input: unknown, options: ParseOptions = {}): Policy {
  const { model, unknownMembers = 'refuse' } = options
  if (wasGiven(input, model)) return input
  const policy = guarded(DOCUMENT, () => read(input, { ...options, unknownMembers }))
  given.set(policy, model)
  return policy
}
