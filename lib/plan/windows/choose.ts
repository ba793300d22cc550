/**
 * How this Windows holds a policy, or why it does not: the plan of one backend, with what the machine must have for it, and without
 * what the host does not accept.
 */
import type { WindowsCapabilities } from '../../host/capabilities.ts'
import { type Notice, notice } from '../../notices.ts'
import type { ResolvedPolicy } from '../../policy/types.ts'
import { refuseMeaningless, unknownPlaces } from '../meaningless.ts'
import type { Refusal } from '../plan.ts'
import type { WindowsLimitCode } from './limits.ts'
import type { Identity } from './network.ts'
import { planForWindowsPolicy, type WindowsPlan, type WindowsSurroundings } from './plan.ts'
import type { WindowsPolicy } from './policy-input.ts'
import { refusalOfWindows, windowsRefusal } from './refusals.ts'
import type { SetupStatus } from './setup-status.ts'

/** What a plan depends on beside the resolved policy. */
export interface WindowsChoice {
  /** The policy with the spellings of its paths. */
  readonly read: WindowsPolicy
  readonly surroundings: WindowsSurroundings
  /** Whether the elevated backend is set up for an account. Asked for plans of that backend only. */
  readonly setup: (identity: Identity) => SetupStatus
  /** Limits with which a plan is refused. Default: none. */
  readonly refusedLimits?: readonly WindowsLimitCode[]
  /** Refuses plans with any limit. Default: false. */
  readonly strict?: boolean
}

export interface WindowsChoiceQuestion extends WindowsChoice {
  readonly resolved: ResolvedPolicy
  readonly capabilities: WindowsCapabilities
}

export type WindowsChosen =
  | { readonly plan: WindowsPlan; readonly notices: readonly Notice[] }
  | { readonly refusal: Refusal; readonly notices: readonly Notice[] }

/** To go when somebody has run the checks of `npm run windows-check` on a Windows machine. */
const neverExecuted = notice(
  'windows-never-executed',
  'no command has run under a restricted token of this version yet: it was proven by a model of access lists only',
  'run `npm run windows-check` on this machine and send the report',
)

export function chooseWindowsPlan(question: WindowsChoiceQuestion): WindowsChosen {
  const { resolved, capabilities, read, surroundings } = question
  const meaningless = refuseMeaningless(resolved) ?? systemObstacle(capabilities)
  if (meaningless !== null) return { refusal: meaningless, notices: [] }
  const answer = planForWindowsPolicy({ ...surroundings, policyDigest: resolved.digest }, read)
  if ('refusal' in answer) return { refusal: refusalOfWindows(answer.refusal), notices: [] }
  const { plan } = answer
  const refusal = backendObstacle(plan, question) ?? limitObstacle(plan, question)
  if (refusal !== null) return { refusal, notices: [] }
  return { plan, notices: [...unknownPlaces(resolved), ...limitNotices(plan), neverExecuted] }
}

/** Without the helper nothing starts a command, and inside a restricted token no second one can be made as planned. */
function systemObstacle({ restricted, restrictedToken, helper }: WindowsCapabilities): Refusal | null {
  if (restricted) {
    const message =
      'this process has a restricted token already, and a command would not get the one that the plan says'
    return unavailable('nested-sandbox', message, 'start this program outside of that sandbox')
  }
  if (!restrictedToken.available) {
    return unavailable('restricted-token', `cannot restrict a token: ${restrictedToken.how}`, restrictedToken.hint)
  }
  if (helper.available && helper.path !== null) return null
  return unavailable('windows-helper', `cannot use the helper program: ${helper.how}`, helper.hint)
}

function backendObstacle(plan: WindowsPlan, { setup, capabilities }: WindowsChoiceQuestion): Refusal | null {
  if (plan.backend !== 'elevated') return null
  const { runner } = capabilities
  if (!runner.available)
    return unavailable('windows-runner', `cannot use the elevated backend: ${runner.how}`, runner.hint)
  const status = setup(plan.identity ?? 'offline')
  if (status === 'ready') return null
  const hint = 'run `castellan windows setup`'
  return refusalOfWindows(windowsRefusal('setup-required', `the elevated backend is not set up: ${status}`, { hint }))
}

/** A host that cannot accept a limit names it; nothing runs then. */
function limitObstacle(
  plan: WindowsPlan,
  { refusedLimits = [], strict = false }: WindowsChoiceQuestion,
): Refusal | null {
  const refused = plan.limits.filter(({ code }) => strict || refusedLimits.includes(code))
  const [first] = refused
  if (first === undefined) return null
  const why = strict ? 'strict is set' : 'the options refuse that'
  const codes = [...new Set(refused.map(({ code }) => code))].join(', ')
  return {
    kind: 'not-enforceable',
    mechanism: `windows ${first.code}`,
    message: `the engine ${plan.engine} does not hold everything (${codes}), and ${why}`,
    ...(first.path === undefined ? {} : { entry: first.path }),
  }
}

/** There is no plan without a limit. */
function limitNotices({ engine, limits }: WindowsPlan): Notice[] {
  const texts = limits.map(({ code, message, path }) => `${code} (${message}${path === undefined ? '' : `: ${path}`})`)
  return [notice('plan-limits', `the engine ${engine} does not hold: ${texts.join('; ')}`)]
}

function unavailable(mechanism: string, message: string, hint: string | undefined): Refusal {
  return { kind: 'unavailable', mechanism, message, ...(hint === undefined ? {} : { hint }) }
}
