/**
 * The steps of the elevated backend's setup, by the addon's calls (spec/windows H.2, H.3). Run by an elevated process. Passwords are
 * made here, given to the system and kept as protected blobs; they stand in no argument, no file and no message.
 */
import { randomInt } from 'node:crypto'

import type { OrFailure, WindowsBinding, WindowsFailure } from '../native/windows-binding.ts'
import { isRuleInForce } from '../plan/windows/firewall-check.ts'
import { firewallAccount, firewallRules } from '../plan/windows/network.ts'
import { placeFailure, placeProblem, plannedPlace } from '../plan/windows/planned-place.ts'
import { accountNames } from '../plan/windows/setup-payload.ts'
import type { SetupFailure, SetupPort } from '../plan/windows/setup-run.ts'
import { SETUP_VERSION } from '../plan/windows/setup-status.ts'
import type { SetupErrorCode, SetupStep } from '../plan/windows/setup-steps.ts'
import { type WindowsPath, windowsChild, windowsPathOrNull } from '../plan/windows/windows-path.ts'

export type SetupBinding = Pick<
  WindowsBinding,
  | 'probe'
  | 'makeGroup'
  | 'makeAccount'
  | 'hideAccount'
  | 'sidOfAccount'
  | 'protectSecret'
  | 'setFirewallRule'
  | 'readFirewallRule'
  | 'removeFirewallRule'
  | 'localFirewallRulesCount'
  | 'describeObject'
  | 'setAce'
  | 'makeDirectory'
  | 'replaceFile'
  | 'hideDirectory'
  | 'profileOfAccount'
>

export interface SetupSettings {
  readonly stateDirectory: WindowsPath
  readonly proxyPorts: readonly number[]
  readonly localBinding: boolean
  /** ISO 8601. */
  readonly now: string
}

export const setupDirectories = ['.sandbox', '.sandbox-bin', '.sandbox-secrets'] as const
export const markerFile = '.sandbox/setup_marker.json'
export const errorFile = '.sandbox/setup_error.json'
export const usersFile = '.sandbox-secrets/sandbox_users.json'

const comment = 'Runs commands in a sandbox (castellan)'
const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789'
const passwordLength = 24

/** Of four kinds of characters, which the rules of a domain may ask for. */
function makePassword(): string {
  const drawn = Array.from({ length: passwordLength }, () => letters[randomInt(letters.length)])
  return `${drawn.join('')}aA1!`
}

/** The rights of the accounts' group on the three directories: read and write; read; nothing. */
const groupRights = [
  { name: '.sandbox', type: 'allow', mask: 0x0013_01bf },
  { name: '.sandbox-bin', type: 'allow', mask: 0x0012_00a9 },
  { name: '.sandbox-secrets', type: 'deny', mask: 0x001f_01ff },
] as const

/** A directory or file of the state directory, by its name in it. */
export function statePlace(stateDirectory: WindowsPath, name: string): WindowsPath {
  return name.split('/').reduce(windowsChild, stateDirectory)
}

class StepFailed extends Error {
  readonly failure: SetupFailure

  constructor(failure: SetupFailure) {
    super(failure.message)
    this.failure = failure
  }
}

function answered<Value>(result: OrFailure<Value>, code?: SetupErrorCode): Value {
  if (typeof result !== 'object' || result === null || !('failure' in result)) return result
  throw new StepFailed({ ...(code === undefined ? {} : { code }), ...failureText(result.failure) })
}

function failureText({ call, win32, path }: WindowsFailure) {
  if (path === undefined) return { win32, message: `${call} failed with ${win32}` }
  return { win32, ...placeFailure({ call, win32, path }) }
}

/** For one setup; what a step has made stays in it for those that follow. */
export class WindowsSetup implements SetupPort {
  readonly #binding: SetupBinding
  readonly #settings: SetupSettings
  readonly #passwords = { offline: makePassword(), online: makePassword() }
  /** What does not hold the setup up. */
  readonly #notices: string[] = []
  #blobs: { readonly offline: string; readonly online: string } | null = null

  constructor(binding: SetupBinding, settings: SetupSettings) {
    this.#binding = binding
    this.#settings = settings
  }

  async perform(step: SetupStep): Promise<SetupFailure | null> {
    try {
      await this.#steps[step]()
      return null
    } catch (error) {
      if (error instanceof StepFailed) return error.failure
      const code = (error as NodeJS.ErrnoException).code
      return { message: `the step ended with ${code ?? 'an unknown error'}` }
    }
  }

  readonly #steps: Readonly<Record<SetupStep, () => void | Promise<void>>> = {
    'check-elevation': () => {
      const { elevated } = answered(this.#binding.probe(), 'orchestrator_elevation_check_failed')
      if (!elevated) throw new StepFailed({ message: 'this process has no administrator rights' })
    },
    'make-directories': () => {
      for (const name of setupDirectories) {
        const { anchor, below } = this.#placeOf(name)
        answered(this.#binding.makeDirectory(anchor, below))
      }
    },
    // Whatever stops after this leaves no marker that can be read.
    'empty-marker': () => this.#write(markerFile, ''),
    'make-group': () => void answered(this.#binding.makeGroup(accountNames.group, comment)),
    'make-accounts': () => {
      for (const identity of ['offline', 'online'] as const) {
        const { group, [identity]: name } = accountNames
        answered(this.#binding.makeAccount(name, this.#passwords[identity], comment, group))
      }
    },
    'protect-secrets': () => {
      const blob = (identity: 'offline' | 'online') => {
        // Of the machine: who sets up and who runs commands may be two persons; the directory keeps all others out.
        const bytes = answered(
          this.#binding.protectSecret(Buffer.from(this.#passwords[identity], 'utf16le'), 'machine'),
        )
        return bytes.toString('base64')
      }
      this.#blobs = { offline: blob('offline'), online: blob('online') }
    },
    'write-users': () => {
      const blobs = this.#blobs
      if (blobs === null) throw new StepFailed({ message: 'there are no protected secrets' })
      const user = (identity: 'offline' | 'online') => ({ username: accountNames[identity], password: blobs[identity] })
      const users = { version: SETUP_VERSION, offline: user('offline'), online: user('online') }
      this.#write(usersFile, JSON.stringify(users))
    },
    'hide-accounts': () => {
      for (const name of [accountNames.offline, accountNames.online]) {
        answered(this.#binding.hideAccount(name, true))
        this.#hideProfile(name)
      }
    },
    'add-firewall-rules': async () => {
      const wanted = this.#rules()
      for (const rule of wanted) answered(await this.#binding.setFirewallRule(rule))
      // Of another setting, and wider than this one only by name: what is wanted is in force by now.
      const everyName = [
        ...firewallRules({ proxyPorts: [], localBinding: false }),
        ...firewallRules({ proxyPorts: [], localBinding: true }),
      ].map(({ name }) => name)
      const stale = [...new Set(everyName)].filter(name => !wanted.some(rule => rule.name === name))
      for (const name of stale) answered(await this.#binding.removeFirewallRule(name))
    },
    'verify-firewall-rules': async () => {
      if (!answered(await this.#binding.localFirewallRulesCount(), 'helper_firewall_policy_access_failed')) {
        const message =
          "firewall rules of this machine do not count: a domain's policy passes over them, or the firewall is off"
        throw new StepFailed({ code: 'helper_firewall_policy_ineffective', message })
      }
      for (const rule of this.#rules()) {
        const found = answered(await this.#binding.readFirewallRule(rule.name))
        if (!isRuleInForce(rule, found))
          throw new StepFailed({ message: `the firewall rule ${rule.name} is not what was set` })
      }
    },
    // The lists of a workspace are changed by the sandbox that runs there, as the user.
    'deny-access': () => {},
    'grant-writing': () => {},
    'grant-reading': () => {},
    'lock-directories': async () => {
      const sid = answered(this.#binding.sidOfAccount(accountNames.group), 'helper_sid_resolve_failed')
      for (const { name, type, mask } of groupRights) {
        const path = statePlace(this.#settings.stateDirectory, name)
        const look = (place: WindowsPath) => answered(this.#binding.describeObject(place))
        const problem = placeProblem(path, look)
        if (problem !== null) throw new StepFailed(problem)
        // By its number: what stands there later is another object, and is refused.
        const { file, volume } = look(path)
        answered(await this.#binding.setAce({ path, file, volume }, { type, sid, mask, inherited: true }))
      }
    },
    'fill-marker': () => {
      const { proxyPorts, localBinding, now } = this.#settings
      const marker = {
        version: SETUP_VERSION,
        offline_username: accountNames.offline,
        online_username: accountNames.online,
        created_at: now,
        proxy_ports: proxyPorts,
        allow_local_binding: localBinding,
        notices: this.#notices,
      }
      this.#write(markerFile, JSON.stringify(marker))
    },
  }

  #placeOf(name: string) {
    return plannedPlace(statePlace(this.#settings.stateDirectory, name))
  }

  #write(name: string, text: string): void {
    const { anchor, below } = this.#placeOf(name)
    answered(this.#binding.replaceFile(anchor, below, Buffer.from(text)))
  }

  /** The profile is made when the account logs on first. It closes nothing that one can find it, so a failure is only told. */
  #hideProfile(name: string): void {
    try {
      const sid = answered(this.#binding.sidOfAccount(name))
      const profile = windowsPathOrNull(answered(this.#binding.profileOfAccount(sid)) ?? '')
      if (profile === null) return
      const { anchor, below } = plannedPlace(profile)
      answered(this.#binding.hideDirectory(anchor, below))
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error
      this.#notices.push(`the profile of ${name} is not hidden: ${error.failure.message}`)
    }
  }

  #rules() {
    const sid = answered(this.#binding.sidOfAccount(accountNames.offline), 'helper_sid_resolve_failed')
    return firewallRules(this.#settings).map(rule => ({ ...rule, localUsers: firewallAccount(sid) }))
  }
}
