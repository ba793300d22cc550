/** Ready-made policies: in the legacy model, which every engine can hold, but for `strict`, which says more than that can. */
import { OptionError } from '../errors.ts'
import { deepFreeze } from './freeze.ts'
import { escapeGlob } from './glob-place.ts'
import { parseFileSystemPolicy, parseLegacyPolicy } from './parse.ts'
import type { NetworkSandboxPolicy, Policy } from './policy.ts'
import { show, suggestion } from './refusal.ts'

export interface ReadOnlyOptions {
  /** Whether the command may use the network. Default false. */
  readonly networkAccess?: boolean | undefined
}

export interface WorkspaceWriteOptions {
  /** Absolute paths that are writable beside the working directory. Default none. */
  readonly writableRoots?: readonly string[] | undefined
  /** Whether the command may use the network. Default false. */
  readonly networkAccess?: boolean | undefined
  /** Leaves `$TMPDIR` read-only. Default false. */
  readonly excludeTmpdirEnvVar?: boolean | undefined
  /** Leaves `/tmp` read-only. Default false. */
  readonly excludeSlashTmp?: boolean | undefined
}

export interface StrictOptions {
  /** Absolute paths that can be read beside the working directory and the platform's directories. Default none. */
  readonly readableRoots?: readonly string[] | undefined
  /** Absolute paths that are writable beside the working directory. Default none. */
  readonly writableRoots?: readonly string[] | undefined
  /** Whether the command may use the network. Default false. */
  readonly networkAccess?: boolean | undefined
  /** Whether files that hold secrets are denied by their names (`SECRET_PATTERNS`). Default true. */
  readonly denySecrets?: boolean | undefined
}

/**
 * Names under which secrets are kept: keys of ssh and gpg, credentials of clouds, registries and other hosts, environment
 * files. Not `.npmrc` and not examples such as `.env.example`, which builds read.
 */
export const SECRET_PATTERNS: readonly string[] = Object.freeze([
  '**/.env',
  '**/.env.local',
  '**/.env.*.local',
  '**/.env.{development,production,staging,test}',
  '**/.{ssh,gnupg,aws,azure,kube}',
  '**/.config/gcloud',
  '**/.docker/config.json',
  '**/.{netrc,pgpass,pypirc,git-credentials}',
  '**/id_{rsa,dsa,ecdsa,ed25519}',
  '**/*.{pem,p12,pfx,key}',
])

export interface ExternalSandboxOptions {
  /** What the outer sandbox lets through. Default `restricted`. */
  readonly network?: NetworkSandboxPolicy | undefined
}

function refuseOthers(preset: string, options: object, accepted: readonly string[]): void {
  for (const option of Object.keys(options)) {
    if (accepted.includes(option)) continue
    throw new OptionError(
      option,
      `cannot make ${preset} policy: there is no option ${show(option)}${suggestion(option, accepted)}`,
    )
  }
}

function fromWire(wire: Readonly<Record<string, unknown>>): Policy {
  const given = Object.entries(wire).filter(([, value]) => value !== undefined)
  const legacy = parseLegacyPolicy(Object.fromEntries(given), { unknownMembers: 'refuse' })
  return deepFreeze({ form: 'legacy', legacy })
}

export const policies = Object.freeze({
  /**
   * Everything can be read, nothing written, no network unless asked for.
   *
   * @throws {OptionError} for an option that does not exist
   * @throws {PolicyError} ERR_POLICY_INVALID for a value that cannot be used
   */
  readOnly(options: ReadOnlyOptions = {}): Policy {
    refuseOthers('read-only', options, ['networkAccess'])
    return fromWire({ type: 'read-only', network_access: options.networkAccess })
  },

  /**
   * Everything can be read; the working directory, `/tmp`, `$TMPDIR` and `writableRoots` can be written, except their
   * `.git`, `.agents` and `.codex`; no network unless asked for.
   *
   * @throws {OptionError} for an option that does not exist
   * @throws {PolicyError} ERR_POLICY_INVALID for a value that cannot be used, for instance a relative path
   */
  workspaceWrite(options: WorkspaceWriteOptions = {}): Policy {
    refuseOthers('workspace-write', options, [
      'writableRoots',
      'networkAccess',
      'excludeTmpdirEnvVar',
      'excludeSlashTmp',
    ])
    return fromWire({
      type: 'workspace-write',
      writable_roots: options.writableRoots,
      network_access: options.networkAccess,
      exclude_tmpdir_env_var: options.excludeTmpdirEnvVar,
      exclude_slash_tmp: options.excludeSlashTmp,
    })
  },

  /**
   * Only the working directory and the platform's directories (`/usr`, `/etc` and their like) can be read; only the working
   * directory can be written, except its `.git`, `.agents` and `.codex`; what is named like a secret is denied wherever it is
   * open otherwise; no network unless asked for. Denials by name are a snapshot, made before each command: the plan
   * says so (limit `glob-snapshot`).
   *
   * @throws {OptionError} for an option that does not exist
   * @throws {PolicyError} ERR_POLICY_INVALID for a value that cannot be used, for instance a relative path
   */
  strict(options: StrictOptions = {}): Policy {
    refuseOthers('strict', options, ['readableRoots', 'writableRoots', 'networkAccess', 'denySecrets'])
    const { readableRoots = [], writableRoots = [], networkAccess = false, denySecrets = true } = options
    const roots = [...readableRoots, ...writableRoots]
    const path = (access: string) => (root: string) => ({ path: { type: 'path', path: root }, access })
    const special = (kind: string, access: string) => ({ path: { type: 'special', value: { kind } }, access })
    const patterns = ['', ...roots.map(root => `${escapeGlob(root)}/`)].flatMap(root =>
      SECRET_PATTERNS.map(name => `${root}${name}`),
    )
    const denied = patterns.map(pattern => ({ path: { type: 'glob_pattern', pattern }, access: 'none' }))
    const fileSystem = parseFileSystemPolicy({
      kind: 'restricted',
      entries: [
        special('minimal', 'read'),
        special('project_roots', 'write'),
        ...readableRoots.map(path('read')),
        ...writableRoots.map(path('write')),
        ...(denySecrets ? denied : []),
      ],
    })
    return deepFreeze({ form: 'split', fileSystem, network: networkAccess ? 'enabled' : 'restricted' })
  },

  /** No restriction at all, network included. */
  dangerFullAccess(): Policy {
    return fromWire({ type: 'danger-full-access' })
  },

  /** The same as `dangerFullAccess`. */
  fullAccess(): Policy {
    return fromWire({ type: 'danger-full-access' })
  },

  /**
   * The host is inside a sandbox already: no file-system restriction of our own, and the network as the outer one has it.
   *
   * @throws {OptionError} for an option that does not exist
   * @throws {PolicyError} ERR_POLICY_INVALID for a word that does not exist
   */
  externalSandbox(options: ExternalSandboxOptions = {}): Policy {
    refuseOthers('external-sandbox', options, ['network'])
    return fromWire({ type: 'external-sandbox', network_access: options.network })
  },
})
