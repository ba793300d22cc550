/**
 * How Windows holds a command to a policy (spec/windows): a frozen plan or a refusal, made without a Windows at hand. The native
 * part carries it out and checks that what it got is what the plan says.
 */
import type { PolicyError } from '../../errors.ts'
import type { AbsolutePath } from '../../policy/path.ts'
import type { Surroundings } from '../../policy/types.ts'
import { finishPlan } from '../finish.ts'
import {
  type AccessEntry,
  type AccessEntryKind,
  accessEntries,
  accessMasks,
  isInherited,
  nullDevice,
} from './access-entries.ts'
import { type CapabilityRole, type CapabilityScheme, type Role, rolesOfToken } from './capabilities.ts'
import { profileOf } from './credential-directories.ts'
import { temporaryDirectories, windowsEntries } from './entries.ts'
import { getVariable, type Variables } from './environment-names.ts'
import { type SplitSupport, type WindowsBackend, windowsGate } from './gate.ts'
import { windowsGlobSearch } from './globs.ts'
import { type WindowsLimit, windowsLimits } from './limits.ts'
import { type Identity, type NetworkMode, networkAnswer } from './network.ts'
import { type Places, placesOn, policyPathOf, type WindowsFiles } from './places.ts'
import { parseWindowsPolicy, type WindowsPolicy } from './policy-input.ts'
import { readRoots, readsEverything } from './read-roots.ts'
import { type WindowsRefusal, windowsRefusal } from './refusals.ts'
import { type RootSurroundings, type WritableParts, writableParts } from './roots.ts'
import { makeTokenPlan, type TokenPlan } from './token.ts'
import { readWindowsPath, type WindowsPath, windowsPathOrNull } from './windows-path.ts'

export interface WindowsOptions {
  /** Default: `round-trip`. */
  readonly splitSupport?: SplitSupport
  /** Default: `per-root`. */
  readonly capabilities?: CapabilityScheme
  /** Puts Everyone into the token, for programs that do not start without. Default: false. */
  readonly everyone?: boolean
  /** Whether a policy that reads everything reads the state directory too (elevated backend). Default: true. */
  readonly stateDirectoryReadable?: boolean
}

/** Everything that a plan depends on beside the policy. */
export interface WindowsSurroundings {
  readonly cwd: string
  /** Where the sandbox keeps its state. */
  readonly stateDirectory: string
  readonly backend: WindowsBackend
  /** The command's variables. */
  readonly environment: Variables
  /** The host's: `USERPROFILE`, `SystemRoot`, and `TEMP` and `TMP` where the command has none. */
  readonly host: Variables
  readonly files: WindowsFiles
  /** All traffic has to go through a proxy of the host. */
  readonly proxyEnforced?: boolean
  readonly options?: WindowsOptions
  /** The digest that the plan carries for its policy. Default: that of the policy as it is resolved here. */
  readonly policyDigest?: string
}

export interface WindowsQuestion extends WindowsSurroundings {
  /** As `parseWindowsPolicy` reads it. */
  readonly policy: unknown
}

export type WindowsEngine = 'restricted-token' | 'elevated'

/** One entry that an access list gets. */
export interface PlannedAccessEntry {
  readonly path: WindowsPath
  readonly kind: AccessEntryKind
  readonly mask: number
  /** Container and object inheritance. */
  readonly inherited: boolean
  readonly roles: readonly Role[]
}

export interface WindowsPlan {
  readonly kind: 'windows'
  /** The backend by the word that a result and a verdict have for it. */
  readonly engine: WindowsEngine
  /** The one that holds the policy: elevated where a proxy is enforced. */
  readonly backend: WindowsBackend
  /** The policy's digest, see `ResolvedPolicy.digest`. */
  readonly policyDigest: string
  /** SHA-256 (hex) of this plan without `digest` itself. */
  readonly digest: string
  readonly cwd: WindowsPath
  readonly tokenMode: 'read-only' | 'write'
  readonly capabilities: readonly CapabilityRole[]
  readonly token: TokenPlan
  readonly network: NetworkMode
  readonly identity: Identity | null
  readonly allowWrite: readonly WindowsPath[]
  readonly denyWrite: readonly WindowsPath[]
  readonly denyRead: readonly WindowsPath[]
  readonly pins: readonly WindowsPath[]
  /** Directories that are made first, so that they can carry a denial. */
  readonly materialize: readonly WindowsPath[]
  /** Of the elevated backend; empty for the other, which reads everything. */
  readonly readRoots: readonly WindowsPath[]
  /** In the order in which they are applied. */
  readonly accessEntries: readonly PlannedAccessEntry[]
  /** Whether the entries stay when the command has ended: what it started may outlive it. */
  readonly persistAcl: boolean
  /** Environment variables that every command gets, for instance CODEX_SANDBOX_NETWORK_DISABLED=1. */
  readonly environment: Readonly<Record<string, string>>
  readonly limits: readonly WindowsLimit[]
  /** Roots of the policy that are left out, and why. */
  readonly dropped: readonly { readonly path: WindowsPath; readonly reason: string }[]
}

export type WindowsAnswer = { readonly plan: WindowsPlan } | { readonly refusal: WindowsRefusal }

interface Cwd {
  readonly plain: WindowsPath
  readonly canonical: AbsolutePath
}

function cwdOf(text: string, places: Places): Cwd | null {
  const plain = windowsPathOrNull(text)
  if (plain === null || places.files.targetKindOf(plain) !== 'directory') return null
  return { plain, canonical: places.paths.canonical(policyPathOf(plain)) }
}

function readPolicy({ policy, cwd }: WindowsQuestion): WindowsPolicy | WindowsRefusal {
  try {
    // Only subpaths need it; a wrong one is refused for itself.
    return parseWindowsPolicy(policy, windowsPathOrNull(cwd) ?? ('C:\\' as WindowsPath))
  } catch (error) {
    const { message, location } = error as PolicyError
    return windowsRefusal('invalid-policy', message, { entry: location })
  }
}

function rootSurroundings({ host, stateDirectory }: WindowsSurroundings, places: Places): RootSurroundings | null {
  const profile = getVariable(host, 'USERPROFILE')
  const state = windowsPathOrNull(stateDirectory)
  const system = windowsPathOrNull(getVariable(host, 'SystemRoot') ?? 'C:\\Windows')
  if (state === null || system === null) return null
  const canonical = (path: WindowsPath) => places.paths.canonical(policyPathOf(path))
  return {
    places,
    profile: profileOf(profile === undefined ? null : windowsPathOrNull(profile), places),
    stateDirectory: canonical(state),
    systemRoot: canonical(system),
  }
}

/** What the planner decided, still in policy paths. */
interface Decided {
  readonly question: WindowsSurroundings
  readonly backend: WindowsBackend
  readonly cwd: Cwd
  readonly parts: WritableParts
  readonly reads: readonly AbsolutePath[]
  readonly policyDigest: string
  readonly hasPatterns: boolean
  readonly network: { readonly network: NetworkMode; readonly identity: Identity | null }
  readonly writes: boolean
  readonly stateDirectoryReadable: boolean
}

function planned({ path, kind, roles }: AccessEntry, places: Places): PlannedAccessEntry {
  return { path: places.spell(path), kind, mask: accessMasks[kind], inherited: isInherited(kind), roles }
}

function assemble(decided: Decided, places: Places): WindowsPlan {
  const { question, backend, cwd, parts, writes, reads } = decided
  const { capabilities: scheme = 'per-root', everyone = false } = question.options ?? {}
  const capabilities = rolesOfToken(writes ? parts.roots : [], cwd.canonical, scheme)
  const spelled = (paths: readonly AbsolutePath[]) => paths.map(places.spell)
  const entries = accessEntries({ parts, readRoots: reads, cwd: cwd.canonical, backend, scheme })
  const volumes = [...parts.roots, ...parts.denyRead].map(places.spell)
  return finishPlan<WindowsPlan>({
    kind: 'windows',
    engine: engineOf(backend),
    backend,
    policyDigest: question.policyDigest ?? decided.policyDigest,
    cwd: places.spell(cwd.canonical),
    tokenMode: writes ? 'write' : 'read-only',
    capabilities,
    token: makeTokenPlan({ capabilities, backend, writes, everyone }),
    ...decided.network,
    allowWrite: spelled(parts.roots),
    denyWrite: spelled(parts.denyWrite),
    denyRead: spelled(parts.denyRead),
    pins: spelled(parts.pins),
    materialize: spelled(parts.materialize),
    readRoots: spelled(reads),
    accessEntries: [
      ...entries.map(entry => planned(entry, places)),
      ...(everyone ? [] : capabilities.slice(0, 1).map(nullDeviceEntry)),
    ],
    persistAcl: writes,
    environment: decided.network.network === 'open' ? {} : { CODEX_SANDBOX_NETWORK_DISABLED: '1' },
    limits: windowsLimits({
      backend,
      writes,
      network: decided.network.network,
      everyone,
      stateDirectoryReadable: decided.stateDirectoryReadable,
      hasPatterns: decided.hasPatterns,
      missingMetadata: spelled(parts.missingMetadata),
      withoutAcls: volumes.filter(path => places.files.keepsAcls?.(path) === false),
    }),
    dropped: parts.dropped.map(({ path, reason }) => ({ path: places.spell(path), reason })),
  })
}

/**
 * A write to NUL has to pass the token's second check as any other, and the device's own list names Everyone: without Everyone in the
 * token, programs that throw output away fail. One capability is enough.
 */
function nullDeviceEntry(role: CapabilityRole): PlannedAccessEntry {
  const kind = 'null-device'
  return { path: nullDevice, kind, mask: accessMasks[kind], inherited: isInherited(kind), roles: [role] }
}

/** The words of the policy model (spec WIN-1). */
export function engineOf(backend: WindowsBackend): WindowsEngine {
  return backend === 'elevated' ? 'elevated' : 'restricted-token'
}

function isRefusal(value: object): value is WindowsRefusal {
  return 'kind' in value && 'message' in value
}

function refusedPatterns(index: number, reason: string, hint: string | undefined): WindowsRefusal {
  return windowsRefusal(
    'deny-read-unsupported',
    `cannot close what the pattern of entry ${index} stands for: ${reason}`,
    {
      entry: `entries[${index}]`,
      ...(hint === undefined ? {} : { hint }),
    },
  )
}

/** The plan for a policy, or why there is none. Never throws for what a policy says or a disk has. */
export function planForWindows(question: WindowsQuestion): WindowsAnswer {
  const read = readPolicy(question)
  return isRefusal(read) ? { refusal: read } : planForWindowsPolicy(question, read)
}

/** The same for a policy that was read already. */
export function planForWindowsPolicy(question: WindowsSurroundings, read: WindowsPolicy): WindowsAnswer {
  const places = placesOn(question.files, read.spellings)
  const cwd = cwdOf(question.cwd, places)
  const flaw = readWindowsPath(question.cwd)
  if (cwd === null) {
    const why = 'flaw' in flaw ? `it is no usable path (${flaw.flaw})` : 'it is no directory'
    return { refusal: windowsRefusal('invalid-cwd', `cannot run in ${JSON.stringify(question.cwd)}: ${why}`) }
  }
  const decided = decide(question, read, cwd, places)
  return isRefusal(decided) ? { refusal: decided } : { plan: assemble(decided, places) }
}

function decide(
  question: WindowsSurroundings,
  { policy }: WindowsPolicy,
  cwd: Cwd,
  places: Places,
): Decided | WindowsRefusal {
  const { proxyEnforced = false, options = {} } = question
  // Variables and stubs cannot hold a command to a proxy.
  const backend = proxyEnforced ? 'elevated' : question.backend
  const temporary = temporaryDirectories(question.environment, question.host)
  const policyCwd = policyPathOf(cwd.plain)
  const surroundings: Surroundings = {
    policyCwd,
    processCwd: policyCwd,
    temporaryDirectory: temporary[0],
    home: undefined,
    files: places.view,
    globs: windowsGlobSearch(places),
  }
  const refused = windowsGate({ policy, surroundings, backend, splitSupport: options.splitSupport ?? 'round-trip' })
  if (refused !== null) return refused
  const around = rootSurroundings(question, places)
  if (around === null) {
    return windowsRefusal('setup-required', 'the state directory and the system directory must be absolute paths')
  }
  const entries = windowsEntries(policy, temporary, surroundings, places)
  const { globs, network, digest } = entries.resolved
  if (globs?.kind === 'refused') return refusedPatterns(globs.index, globs.reason, globs.hint)
  const parts = writableParts(entries, around)
  if (isRefusal(parts)) return parts
  if (entries.wantsWriting && parts.roots.length === 0) {
    const dropped = parts.dropped.map(({ path, reason }) => `${places.spell(path)} (${reason})`).join(', ')
    const why = dropped === '' ? '' : `: ${dropped}`
    return windowsRefusal('no-writable-root', `nothing of what the policy opens for writing can be opened${why}`)
  }
  const stateDirectoryReadable = options.stateDirectoryReadable ?? true
  const reads =
    backend === 'elevated' ? readRoots({ entries, parts, around, cwd: cwd.canonical, stateDirectoryReadable }) : []
  if (isRefusal(reads)) return reads
  return {
    question,
    backend,
    cwd,
    parts,
    reads,
    policyDigest: digest,
    hasPatterns: globs !== null,
    network: networkAnswer(network, backend, proxyEnforced),
    writes: entries.wantsWriting,
    stateDirectoryReadable: backend === 'elevated' && stateDirectoryReadable && readsEverything(entries),
  }
}
