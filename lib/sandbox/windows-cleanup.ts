/** Takes away what the sandbox keeps on a Windows machine: entries of access lists, and the elevated backend. */
import path from 'node:path'

import { WindowsAccess } from '../backend/windows-access.ts'
import { markerFile, setupDirectories, statePlace } from '../backend/windows-setup.ts'
import { WindowsState } from '../backend/windows-state.ts'
import { WindowsSetupError } from '../errors.ts'
import type { WindowsBinding, WindowsFailure } from '../native/windows-binding.ts'
import { firewallRules } from '../plan/windows/network.ts'
import { placeFailure, plannedPlace } from '../plan/windows/planned-place.ts'
import { accountNames } from '../plan/windows/setup-payload.ts'
import type { WindowsPath } from '../plan/windows/windows-path.ts'
import { aclMutex, windowsStateDirectory } from './windows-places.ts'
import { checkOptions, problemOn, type SetupMachine, thisMachine, type WindowsSetupOptions } from './windows-setup.ts'

export interface WindowsCleanupResult {
  /** Paths whose access lists still have an entry of ours. Empty when everything is gone. */
  readonly left: readonly string[]
  /** Accounts, rules and files were removed. */
  readonly accountsRemoved: boolean
}

/**
 * Takes every entry of ours off the access lists; what could not be taken off stays in the journal, and is in `left`. With `accounts`
 * it removes the accounts, the group, their rules and the state directory's files instead, which needs administrator rights and is
 * refused (ERR_WINDOWS_SETUP, `check-access-lists`) while the journal has an entry.
 */
export async function cleanUpWindows(
  options: WindowsSetupOptions & { readonly accounts?: boolean | undefined } = {},
  machineOf: () => SetupMachine = thisMachine,
): Promise<WindowsCleanupResult> {
  const { accounts = false, ...others } = options
  checkOptions(others)
  const { binding, variables, onDisk } = machineOf()
  const stateDirectory = windowsStateDirectory(options.stateDirectory, variables())
  const state = new WindowsState(path.join(onDisk(stateDirectory), '.sandbox'))
  if (accounts) {
    await takeAccountsAway(binding, stateDirectory, state)
    return Object.freeze({ left: Object.freeze([]), accountsRemoved: true })
  }
  const group = binding.sidOfAccount(accountNames.group)
  const access = new WindowsAccess({
    binding,
    state,
    mutex: aclMutex(stateDirectory),
    groupSid: typeof group === 'string' ? group : null,
    makeDirectory: () => {},
  })
  return Object.freeze({ left: await access.cleanup(), accountsRemoved: false })
}

async function takeAccountsAway(binding: WindowsBinding, stateDirectory: WindowsPath, state: WindowsState) {
  demandRights(binding)
  demandPlain(binding, stateDirectory)
  demandNoEntries(state)
  // First, so that nothing looks ready that is half gone.
  const remove = (name: string) => {
    const { anchor, below } = plannedPlace(statePlace(stateDirectory, name))
    demand('remove-directories', binding.removeTree(anchor, below))
  }
  remove(markerFile)
  const names = new Set(
    [true, false].flatMap(localBinding => firewallRules({ proxyPorts: [], localBinding }).map(({ name }) => name)),
  )
  const { offline, online, group: groupName } = accountNames
  // The account goes before its rules: at no time is there one that nothing holds.
  demand('remove-accounts', binding.removeAccount(offline))
  demand('remove-accounts', binding.removeAccount(online))
  demand('remove-group', binding.removeGroup(groupName))
  for (const name of names) demand('remove-firewall-rules', await binding.removeFirewallRule(name))
  for (const name of setupDirectories) remove(name)
}

/** Before anything is taken away: half of it gone would be worse than all of it there. */
function demandRights(binding: WindowsBinding): void {
  const probed = binding.probe()
  const elevated = !('failure' in probed) && probed.elevated
  if (elevated) return
  const message =
    'cannot take the elevated backend away: check-elevation: this process has no administrator rights. ' +
    'Hint: run it from a terminal that was opened as administrator'
  throw new WindowsSetupError(message, { step: 'check-elevation', setupCode: 'orchestrator_elevation_required' })
}

function demand(step: string, result: undefined | { readonly failure: WindowsFailure }) {
  if (result === undefined) return
  const { call, win32, path: place } = result.failure
  const problem =
    place === undefined ? { message: `${call} failed with ${win32}` } : placeFailure({ call, win32, path: place })
  const { message, ...where } = problem
  throw new WindowsSetupError(`cannot take the elevated backend away: ${step}: ${message}`, {
    ...{ step, setupCode: 'helper_unknown_error', win32 },
    ...where,
  })
}

/**
 * The journal is the user's own file, so no list is changed by it with an administrator's rights: what it asks for would be given
 * to whoever wrote it.
 */
function demandNoEntries(state: WindowsState): void {
  const place = state.journal().find(entry => entry.state !== 'revoked')?.path
  if (place === undefined) return
  const message =
    `cannot take the elevated backend away: check-access-lists: ${place} may still have an entry of castellan. ` +
    "Hint: take the entries off with `castellan windows cleanup`, from a terminal without an administrator's rights"
  const details = { step: 'check-access-lists', setupCode: 'helper_unknown_error', path: place }
  throw new WindowsSetupError(message, details)
}

/** A link on the way would lead what is removed elsewhere. */
function demandPlain(binding: WindowsBinding, stateDirectory: WindowsPath): void {
  const problem = problemOn(binding, stateDirectory)
  if (problem === null) return
  const { message, path: place } = problem
  const step = 'remove-directories'
  throw new WindowsSetupError(`cannot take the elevated backend away: ${step}: ${message}`, {
    ...{ step, setupCode: 'helper_unknown_error', path: place },
  })
}
