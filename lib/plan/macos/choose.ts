/**
 * How macOS holds a policy, or why it does not. There is one engine; what is decided is what starts a command, and which
 * policies no profile can mean.
 */
import { PolicyError } from '../../errors.ts'
import type { DarwinCapabilities } from '../../host/capabilities.ts'
import { type Notice, notice } from '../../notices.ts'
import { compileGlob, type Glob } from '../../policy/glob.ts'
import { resolveGlob } from '../../policy/glob-place.ts'
import { type AbsolutePath, normalizeAbsolute } from '../../policy/path.ts'
import { enforcedAccessOf } from '../../policy/resolve.ts'
import { spellingOf } from '../../policy/special.ts'
import type { ResolvedPolicy, Surroundings } from '../../policy/types.ts'
import { finishPlan } from '../finish.ts'
import { refuseMeaningless, unknownPlaces } from '../meaningless.ts'
import type { MacosPlan, Refusal, SeatbeltStarter } from '../plan.ts'
import type { MacosGrants } from './grants.ts'
import { caseTwins } from './letter-case.ts'
import { closedNetwork, type NetworkGrants, socketPlaces } from './network.ts'
import { makeProfile, type Profile, type ProfileOptions } from './profile.ts'

/** What a profile depends on beside the policy. */
export interface MacosChoice {
  readonly surroundings: Pick<Surroundings, 'policyCwd' | 'processCwd' | 'home' | 'temporaryDirectory' | 'files'>
  readonly canonical: (path: AbsolutePath) => AbsolutePath
  readonly grants: MacosGrants
  /** Default: nothing beside what the policy says. */
  readonly network?: Partial<Omit<NetworkGrants, 'enabled'>>
  readonly profile?: ProfileOptions
}

export interface MacosQuestion extends MacosChoice {
  readonly resolved: ResolvedPolicy
  readonly capabilities: DarwinCapabilities
}

export type MacosAnswer =
  | { readonly plan: MacosPlan; readonly notices: readonly Notice[] }
  | { readonly refusal: Refusal; readonly notices: readonly Notice[] }

/** What a frame may hold (`native/macos/frame.h`), with room for a command. */
const largestProfile = 3 * 1024 * 1024
const mostParameters = 4096

export function chooseMacosPlan(question: MacosQuestion): MacosAnswer {
  const { resolved, capabilities } = question
  const meaningless = refuseMeaningless(resolved)
  if (meaningless !== null) return { refusal: meaningless, notices: [] }
  const environment = environmentOf(resolved)
  // PLAT-2: an external sandbox is the host's business, and a policy that closes nothing needs none.
  if (resolved.kind === 'external-sandbox' || (resolved.fullDiskWrite && resolved.network === 'enabled')) {
    const plan = planOf(resolved, { engine: 'unconfined', profile: null, starter: null, environment })
    return { plan, notices: unknownPlaces(resolved) }
  }
  const obstacle = systemObstacle(capabilities) ?? caseObstacle(resolved)
  if (obstacle !== null) return { refusal: obstacle, notices: [] }
  const started = starterOf(resolved, capabilities, question.canonical)
  if ('refusal' in started) return { refusal: started.refusal, notices: started.notices }
  const profile = profileOf(question)
  if ('refusal' in profile) return { refusal: profile.refusal, notices: started.notices }
  const plan = planOf(resolved, {
    engine: 'seatbelt',
    profile: profile.profile,
    starter: started.starter,
    environment: { CODEX_SANDBOX: 'seatbelt', ...environment },
  })
  return { plan, notices: [...unknownPlaces(resolved), ...started.notices, neverExecuted] }
}

/** To go when somebody has run the checks of `npm run macos-check` on a Mac. */
const neverExecuted = notice(
  'seatbelt-never-executed',
  'no command has run under a profile of this version yet: it was proven by a model of Seatbelt only',
  'run `npm run macos-check` on this Mac and send the report',
)

type Parts = Pick<MacosPlan, 'engine' | 'profile' | 'starter' | 'environment'>

function planOf(resolved: ResolvedPolicy, parts: Parts): MacosPlan {
  return finishPlan<MacosPlan>({ kind: 'macos', policyDigest: resolved.digest, limits: [], ...parts })
}

function environmentOf({ kind, network }: ResolvedPolicy): Record<string, string> {
  return kind !== 'external-sandbox' && network === 'restricted' ? { CODEX_SANDBOX_NETWORK_DISABLED: '1' } : {}
}

function systemObstacle({ sandboxed, seatbelt, sandboxExec }: DarwinCapabilities): Refusal | null {
  if (sandboxed) {
    const message = 'this process is in a sandbox already, and macOS does not put a process into a second one'
    const hint = 'start this program outside of that sandbox, or tell it so by the policy external-sandbox'
    return { kind: 'unavailable', mechanism: 'nested-sandbox', message, hint }
  }
  if (seatbelt.available || sandboxExec.available) return null
  const message = `cannot use Seatbelt: ${seatbelt.how}; ${sandboxExec.how}`
  return { kind: 'unavailable', mechanism: 'seatbelt', message }
}

/** What a volume that ignores letter case would take for one file cannot have two answers. */
function caseObstacle({ rules, fileSystem }: ResolvedPolicy): Refusal | null {
  const twins = caseTwins(rules)
  if (twins === null) return null
  const [first, second] = twins
  const { origin } = second.origin.kind === 'entry' ? second : first
  const entry = origin.kind === 'entry' ? fileSystem.entries[origin.index] : undefined
  return {
    kind: 'not-enforceable',
    mechanism: 'letter case',
    message:
      `cannot hold ${first.access} for ${first.path} and ${second.access} for ${second.path}: ` +
      'where letter case is ignored they are one file',
    hint: 'spell both alike',
    ...(entry === undefined ? {} : { entry: spellingOf(entry.path) }),
  }
}

type Started =
  | { readonly starter: SeatbeltStarter; readonly notices: readonly Notice[] }
  | { readonly refusal: Refusal; readonly notices: readonly Notice[] }

/**
 * The helper, where no command can change it: it is executed outside of the sandbox. Otherwise the system's program, which
 * nobody can change, but which shows the profile in the list of processes.
 */
function starterOf(
  resolved: ResolvedPolicy,
  { helper, seatbelt, sandboxExec }: DarwinCapabilities,
  canonical: MacosChoice['canonical'],
): Started {
  const notices: Notice[] = []
  if (seatbelt.available && helper.available && helper.path !== null) {
    const { access, rule } = enforcedAccessOf(resolved, canonical(normalizeAbsolute(helper.path)))
    if (access !== 'write') return { starter: { kind: 'helper', path: helper.path }, notices: [] }
    const message = `commands may change ${helper.path} (write for ${rule?.path ?? '/'}), so it is not used`
    notices.push(notice('seatbelt-helper-writable', message, 'install the package outside of writable roots'))
  } else {
    notices.push(notice('seatbelt-helper-missing', `the helper program cannot be used: ${helper.how}`))
  }
  if (sandboxExec.available && sandboxExec.path !== null) {
    return { starter: { kind: 'sandbox-exec', path: sandboxExec.path }, notices }
  }
  const message = `nothing can start a command under a profile: ${notices[0]?.message}; ${sandboxExec.how}`
  return { refusal: { kind: 'unavailable', mechanism: 'seatbelt-helper', message }, notices }
}

function profileOf(question: MacosQuestion): { readonly profile: Profile } | { readonly refusal: Refusal } {
  const { resolved, capabilities, surroundings, canonical, grants, network, profile: options } = question
  const { home } = surroundings
  const cache = capabilities.userCacheDirectory
  try {
    const profile = makeProfile({
      resolved,
      network: {
        ...closedNetwork,
        ...network,
        enabled: resolved.network === 'enabled',
        unixSockets: socketPlaces(network?.unixSockets ?? [], canonical),
      },
      grants,
      globs: globsOf(resolved, surroundings),
      home: home === undefined || home === '' ? null : normalizeAbsolute(home),
      userCacheDirectory: cache === null || cache === '' ? null : normalizeAbsolute(cache),
      canonical,
      options: options ?? {},
    })
    return sizeObstacle(profile) ?? { profile }
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    const { message, mechanism = 'seatbelt', entry } = error
    return { refusal: { kind: 'not-enforceable', mechanism, message, ...(entry === undefined ? {} : { entry }) } }
  }
}

function globsOf({ fileSystem }: ResolvedPolicy, surroundings: MacosChoice['surroundings']): Glob[] {
  return fileSystem.entries.flatMap(({ path, access }, index) => {
    if (path.type !== 'glob_pattern' || access !== 'none') return []
    // `refuseMeaningless` has refused those that cannot be read.
    return compileGlob(resolveGlob(path.pattern, surroundings), index) ?? []
  })
}

function sizeObstacle({ text, parameters }: Profile): { readonly refusal: Refusal } | null {
  const values = Object.values(parameters)
  const size = [text, ...values].reduce((sum, part) => sum + Buffer.byteLength(part), 0)
  if (size <= largestProfile && values.length <= mostParameters) return null
  const message = `cannot hold the policy: its profile has ${values.length} places and ${size} bytes, which is too much`
  const hint = 'deny directories instead of many files'
  return { refusal: { kind: 'not-enforceable', mechanism: 'seatbelt', message, hint } }
}
