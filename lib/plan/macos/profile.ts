/**
 * A whole Seatbelt profile for a policy: its text, and the parameters that the text reads. Pure; what the profile means is
 * answered by `sbpl-machine.ts`.
 */
import { PolicyError } from '../../errors.ts'
import type { Glob } from '../../policy/glob.ts'
import { type AbsolutePath, childOf, ROOT } from '../../policy/path.ts'
import { spellingOf } from '../../policy/special.ts'
import type { AccessRule, ResolvedPolicy } from '../../policy/types.ts'
import { baseSection, terminalRules } from './base-profile.ts'
import { entryRules, type FileGrant, type FileRulesQuestion, patternRules, pinRules } from './file-rules.ts'
import { type ClosedPattern, closedPatterns } from './glob-regex.ts'
import { grantFiles, grantRules } from './grant-rules.ts'
import type { MacosGrants } from './grants.ts'
import { foldedPathsOf } from './letter-case.ts'
import { type NetworkGrants, networkMode, networkRules } from './network.ts'
import { ProfileParameters } from './parameters.ts'
import { platformDeviceRules, platformSection } from './platform-defaults.ts'
import { allow, renderProfile } from './sbpl.ts'

export interface ProfileOptions {
  /**
   * The protected names of writable roots where nothing stands yet: `as-resolved` (default) protects those that the policy's
   * rules do, `every-root` those of temporary directories as well, `open` lets a command create them.
   */
  readonly missingMetadata?: 'as-resolved' | 'every-root' | 'open'
  /** What is closed where nothing stands is closed in every letter case. Default: true. */
  readonly foldCase?: boolean
  /** With the platform defaults, the temporary directories that all programs share can be written. Default: false. */
  readonly platformTmpWritable?: boolean
  /** With any network, the user's cache directory can be written. Default: false. */
  readonly darwinCacheWrite?: boolean
  /** What has something closed below it cannot be moved away. Default: true; false is for comparisons. */
  readonly pinAncestors?: boolean
}

export interface ProfileQuestion {
  readonly resolved: ResolvedPolicy
  readonly network: NetworkGrants
  readonly grants: MacosGrants
  /** The patterns of `none` entries, made absolute. */
  readonly globs: readonly Glob[]
  /** The user's home directory, and what the system calls the user's cache directory; null when there is none. */
  readonly home: AbsolutePath | null
  readonly userCacheDirectory: AbsolutePath | null
  readonly canonical: (path: AbsolutePath) => AbsolutePath
  readonly options: ProfileOptions
}

export interface Profile {
  readonly text: string
  /** Keys and values in the order in which the text introduces them. */
  readonly parameters: Readonly<Record<string, string>>
}

/** Throws PolicyError (`ERR_POLICY_NOT_ENFORCEABLE`) for a grant that has no place on this machine. */
export function makeProfile(question: ProfileQuestion): Profile {
  const { resolved, grants, network, options } = question
  const parameters = new ProfileParameters()
  const rules = policyRules(question)
  const files: FileRulesQuestion = {
    rules,
    grants: fileGrants(question),
    folded: options.foldCase === false ? [] : foldedPathsOf(rules),
    closed: closedByPatterns(question),
    pinAncestors: options.pinAncestors !== false,
    parameters,
  }
  const everything = resolved.fullDiskWrite ? [allow(['file*'])] : []
  const text = renderProfile([
    baseSection,
    ...(resolved.platformDefaults ? [platformSection(options.platformTmpWritable === true)] : []),
    { title: 'files: the rules of the policy, shallow paths first', rules: [...everything, ...entryRules(files)] },
    {
      title: 'devices: of the terminal, whatever the policy says of /dev',
      rules: [...terminalRules, ...(resolved.platformDefaults ? platformDeviceRules : [])],
    },
    { title: 'pins: what has something closed below it stays in its place', rules: pinRules(files) },
    { title: 'patterns: closed whatever opens them', rules: patternRules(files) },
    { title: `network: ${networkMode(network)}`, rules: networkRules(network, parameters) },
    { title: 'grants: services outside the sandbox', rules: grantRules(grants) },
  ])
  return { text, parameters: parameters.toRecord() }
}

/** The policy's own rules; the platform's are in a table of this folder. */
function policyRules({ resolved, options: { missingMetadata = 'as-resolved' } }: ProfileQuestion): AccessRule[] {
  const own = resolved.rules.filter(({ origin }) => origin.kind !== 'platform-default')
  if (missingMetadata === 'as-resolved') return own
  const standing = own.filter(({ origin, target }) => origin.kind !== 'protection' || target !== 'missing')
  return missingMetadata === 'open' ? standing : withEveryMissingName(own)
}

function withEveryMissingName(rules: readonly AccessRule[]): AccessRule[] {
  const known = new Set(rules.map(({ path }) => path))
  const added = rules
    .filter(({ path, access, target }) => access === 'write' && path !== ROOT && target === 'directory')
    .flatMap(({ path: root }) =>
      (['.git', '.agents', '.codex'] as const).map(
        (name): AccessRule => ({
          path: childOf(root, name),
          access: 'read',
          target: 'missing',
          origin: { kind: 'protection', name, root },
        }),
      ),
    )
  return [...rules, ...added.filter(({ path }) => !known.has(path))]
}

// A literal of a profile that is longer than a kilobyte does not compile.
const longestPattern = 1000

function closedByPatterns({ resolved, globs, canonical }: ProfileQuestion): ClosedPattern[] {
  return globs.flatMap(glob => {
    const patterns = closedPatterns(glob, canonical)
    if (patterns.every(({ regex }) => Buffer.byteLength(regex) <= longestPattern)) return patterns
    const entry = resolved.fileSystem.entries[glob.index]
    throw new PolicyError(
      'ERR_POLICY_NOT_ENFORCEABLE',
      `cannot hold entries[${glob.index}]: its pattern is longer than a profile can hold`,
      { entry: entry === undefined ? glob.pattern : spellingOf(entry.path), mechanism: 'seatbelt' },
    )
  })
}

function fileGrants({ grants, network, home, userCacheDirectory, canonical, options }: ProfileQuestion): FileGrant[] {
  const cache =
    options.darwinCacheWrite === true && userCacheDirectory !== null && networkMode(network) !== 'off'
      ? [{ key: 'DARWIN_USER_CACHE_DIR', path: canonical(userCacheDirectory), access: 'only-write' as const }]
      : []
  const contacts = grantFiles(grants, home === null ? null : canonical(home))
  return [...cache, ...contacts]
}
