/**
 * What a host may say about its keys. An option that is unknown or misspelt is refused: a misspelt `forcedLoginMethod`
 * must not silently mean none.
 */
import type { z as Zod } from 'zod'
import { OptionError } from '../errors.ts'
import { lazily, z } from '../schema.ts'
import type { BearerCommand } from './bearer-command.ts'
import type { ExternalAuth } from './external.ts'
import type { FileLock } from './lock/file-lock.ts'
import type { Flock } from './lock/kernel-lock.ts'
import { codexProvider, mayReceiveSecrets, type OAuthProvider } from './provider.ts'
import type { Fetch } from './refresh/http.ts'
import type { LoginMethod } from './restrictions.ts'
import type { Environment } from './storage/home.ts'
import type { KeyringBackend } from './storage/keyring.ts'
import type { StorageKind } from './storage/select.ts'
import type { AuthStorage } from './storage/storage.ts'

export interface AuthManagerOptions {
  /** The directory that holds the login. Default: `CODEX_HOME`, else `.codex` in the user's home. */
  readonly home?: string
  /** Where the login is kept: one of Codex's stores, or a store of the host. Default `file`. */
  readonly storage?: StorageKind | AuthStorage
  /** The keyring for `keyring` and `auto`. Default: the system's, through the optional package `@napi-rs/keyring`. */
  readonly keyring?: KeyringBackend
  /** The lock between processes. Default: the kernel's when the native addon is there, else a portable one. */
  readonly lock?: FileLock
  /** `flock(2)` of the native addon; shorthand for a `lock` that uses it. */
  readonly flock?: Flock
  /** The authorization server. Default: Codex's. */
  readonly provider?: OAuthProvider
  /** The environment to read. Default `process.env`. */
  readonly env?: Environment
  /** Default: the `fetch` of Node.js; undici's when the environment names a proxy or further certificates. */
  readonly fetch?: Fetch
  /** The clock, in milliseconds. Default `Date.now`. */
  readonly now?: () => number
  /** Limit of one request to the authorization server, in milliseconds. Default 30 000. */
  readonly timeoutMs?: number
  /** Limit of one revocation, in milliseconds. Default 10 000. */
  readonly revokeTimeoutMs?: number
  /** How long to wait for another process that refreshes, in milliseconds. Default 60 000. */
  readonly lockTimeoutMs?: number
  /** Refresh up to this much earlier than needed, by chance, so that many hosts do not ask at once. Default 60 000. */
  readonly jitterMs?: number
  /** A token that is about to expire: `wait` for a new one, refresh in the `background`, or not at all. Default `wait`. */
  readonly proactive?: 'wait' | 'background' | 'off'
  /**
   * May the bearer of a poisoned login still be used? `reject`: no. `until-expiry`: while its own expiry lies ahead.
   * `allow`: as Codex does. Default `reject`. `getAuthStatus` never shows it.
   */
  readonly poisonedTokenPolicy?: 'reject' | 'until-expiry' | 'allow'
  /** A store that cannot be written: `fail` before the refresh token is spent, or keep new tokens in `memory`. Default `fail`. */
  readonly onUnwritableStore?: 'fail' | 'memory'
  /** Log out here when another program deletes the stored login. Default: the cached login stays until a reload. */
  readonly followExternalLogout?: boolean
  /** Whether the host's model provider wants these credentials; told by `getAuthStatus`. Default `true`. */
  readonly requiresOpenaiAuth?: boolean
  /** Let `CODEX_API_KEY` beat everything else. Default `false`. */
  readonly enableCodexApiKeyEnv?: boolean
  /** The only way of logging in that is allowed. */
  readonly forcedLoginMethod?: LoginMethod
  /** The only workspaces that are allowed. */
  readonly forcedWorkspaceIds?: readonly string[]
  /** What `enforce` does with a login that is not allowed: remove it, or only stop using it. Default `logout`. */
  readonly onViolation?: 'logout' | 'ignore'
  /** Supplies new tokens for a host-supplied login. */
  readonly externalAuth?: ExternalAuth
  /** A command whose output is the bearer; used instead of any stored login. */
  readonly bearerCommand?: BearerCommand
  /** Origins that may receive the bearer through `fetch`, `interceptor` and `dispatcher`. Default: those of the provider. */
  readonly origins?: readonly string[]
}

const callable = <T>() => z.custom<T>(value => typeof value === 'function', 'must be a function')
const object = <T>() => z.custom<T>(value => typeof value === 'object' && value !== null, 'must be an object')
const milliseconds = () => z.number().int().nonnegative()
const origin = () => z.string().refine(isOrigin, 'must be an origin with https, or http on this machine')

const schema = lazily(() =>
  z.strictObject({
    home: z.string().min(1).optional(),
    storage: z.union([z.enum(['file', 'keyring', 'auto', 'ephemeral']), object<AuthStorage>()]).default('file'),
    keyring: object<KeyringBackend>().optional(),
    lock: object<FileLock>().optional(),
    flock: callable<Flock>().optional(),
    provider: object<OAuthProvider>().default(() => codexProvider()),
    env: object<Environment>().default(() => process.env),
    fetch: callable<Fetch>().optional(),
    now: callable<() => number>().default(() => Date.now),
    timeoutMs: milliseconds().default(30_000),
    revokeTimeoutMs: milliseconds().default(10_000),
    lockTimeoutMs: milliseconds().default(60_000),
    jitterMs: milliseconds().default(60_000),
    proactive: z.enum(['wait', 'background', 'off']).default('wait'),
    poisonedTokenPolicy: z.enum(['reject', 'until-expiry', 'allow']).default('reject'),
    onUnwritableStore: z.enum(['fail', 'memory']).default('fail'),
    followExternalLogout: z.boolean().default(false),
    requiresOpenaiAuth: z.boolean().default(true),
    enableCodexApiKeyEnv: z.boolean().default(false),
    forcedLoginMethod: z.enum(['api', 'chatgpt']).optional(),
    forcedWorkspaceIds: z.array(z.string()).optional(),
    onViolation: z.enum(['logout', 'ignore']).default('logout'),
    externalAuth: object<ExternalAuth>().optional(),
    bearerCommand: object<BearerCommand>().optional(),
    origins: z.array(origin()).optional(),
  }),
)

export type ResolvedOptions = Zod.output<ReturnType<typeof schema>>

/** @throws OptionError naming the first option that cannot be used. */
export function resolveOptions(options: AuthManagerOptions): ResolvedOptions {
  const unknown = Object.keys(options).find(key => !(key in schema().shape))
  if (unknown !== undefined) throw new OptionError(unknown, `unknown option ${unknown}${suggestion(unknown)}`)
  const parsed = schema().safeParse(options)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const name = String(issue?.path[0] ?? '')
    // Only the library's own words: a value may be a secret that was passed in the wrong place.
    throw new OptionError(name, `cannot use option ${name}: ${issue?.code === 'custom' ? issue.message : 'wrong type'}`)
  }
  for (const endpoint of [parsed.data.provider.tokenEndpoint, parsed.data.provider.revocationEndpoint]) {
    if (endpoint !== undefined && !mayReceiveSecrets(endpoint)) {
      throw new OptionError(
        'provider',
        'cannot use option provider: its endpoints must be https, or http on this machine',
      )
    }
  }
  return parsed.data
}

function suggestion(name: string): string {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z]/g, '')
  const known = Object.keys(schema().shape).find(key => {
    const [left, right] = [plain(key), plain(name)]
    return left === right || left.startsWith(right) || right.startsWith(left)
  })
  return known === undefined ? '' : `. Did you mean ${known}?`
}

function isOrigin(text: string): boolean {
  return mayReceiveSecrets(text) && new URL(text).origin === text.replace(/\/$/, '')
}
