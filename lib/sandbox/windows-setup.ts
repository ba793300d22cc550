/** The elevated backend of Windows as a host sets it up and looks at it. */
import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'

import {
  errorFile,
  markerFile,
  setupDirectories,
  statePlace,
  usersFile,
  WindowsSetup,
} from '../backend/windows-setup.ts'
import { BackendError, OptionError, WindowsSetupError } from '../errors.ts'
import { loadBinding } from '../native/binding.ts'
import { ownProgram } from '../native/own-program.ts'
import type { WindowsBinding } from '../native/windows-binding.ts'
import {
  type ElevatedStart,
  type ElevationFailure,
  elevatedWords,
  elevationFailure,
  elevationOf,
  readSetupFailure,
} from '../plan/windows/elevation.ts'
import type { Variables } from '../plan/windows/environment-names.ts'
import { type PlaceProblem, placeProblem, plannedPlace } from '../plan/windows/planned-place.ts'
import { encodeSetupPayload, makeSetupPayload, readSetupPayload } from '../plan/windows/setup-payload.ts'
import { runSetup } from '../plan/windows/setup-run.ts'
import { readSetupMarker, type SetupStatus, setupStatus } from '../plan/windows/setup-status.ts'
import { type SetupStep, windowsSetupSteps } from '../plan/windows/setup-steps.ts'
import type { WindowsPath } from '../plan/windows/windows-path.ts'
import { checkNames } from '../process/option-names.ts'
import { windowsStateDirectory } from './windows-places.ts'

export interface WindowsSetupOptions {
  /** Absolute path of the directory in which the sandbox keeps its state. Default: `%LOCALAPPDATA%\\castellan`. */
  readonly stateDirectory?: string | undefined
  /** Ports of proxies on this machine that commands without network may reach. Default: none. */
  readonly proxyPorts?: readonly number[] | undefined
  /** Commands without network may be and reach servers on this machine. Default: false. */
  readonly localBinding?: boolean | undefined
  /** Called before each step that this process does; a setup in an elevated process of its own is not told step by step. */
  readonly told?: ((step: SetupStep) => void) | undefined
  /** What a process without administrator rights hands to the one that it starts with them: nothing but `told` beside it. */
  readonly payload?: string | undefined
}

export interface WindowsSetupResult {
  readonly stateDirectory: string
  readonly done: readonly SetupStep[]
  /** What could not be done and is not needed: a profile that stays visible. */
  readonly notices: readonly string[]
}

export interface WindowsSetupReport {
  readonly stateDirectory: string
  /** For commands without network, and with it. */
  readonly offline: SetupStatus
  readonly online: SetupStatus
  /** Of the last setup: what it could not do and does not need. */
  readonly notices: readonly string[]
  /** Of the last setup, when it failed. */
  readonly lastFailure: {
    readonly step: string
    readonly code: string
    readonly message: string
    readonly path?: string
  } | null
}

/** What the three calls need of the machine, so that tests can put another one in its place. */
export interface SetupMachine {
  readonly binding: WindowsBinding
  readonly variables: () => Variables
  /** What this process calls a Windows path; itself on Windows. */
  readonly onDisk: (path: WindowsPath) => string
  /** ISO 8601. */
  readonly now: () => string
  /** How `castellan` is started with an administrator's rights; null where it cannot be. */
  readonly start: ElevatedStart | null
}

/** Throws BackendError (`ERR_BACKEND_UNAVAILABLE`, capability `windows`) on every other system. */
export function thisMachine(): SetupMachine {
  const binding = loadBinding()
  if (binding.system === 'win32') {
    return {
      binding,
      variables: () => process.env,
      onDisk: place => place,
      now: () => new Date().toISOString(),
      start: ownProgram(),
    }
  }
  const hint = 'only Windows has a setup; other systems need none'
  throw new BackendError(`there is nothing to set up on this system (its addon is for ${binding.system})`, {
    capability: 'windows',
    hint,
  })
}

export function checkOptions(options: WindowsSetupOptions): void {
  checkNames(options, new Set(['stateDirectory', 'proxyPorts', 'localBinding', 'told', 'payload']))
  const { proxyPorts, localBinding } = options
  const isPort = (port: unknown) => Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65_535
  if (proxyPorts !== undefined && !(Array.isArray(proxyPorts) && proxyPorts.every(isPort))) {
    throw new OptionError('proxyPorts', 'proxyPorts must be an array of ports')
  }
  if (localBinding !== undefined && typeof localBinding !== 'boolean') {
    throw new OptionError('localBinding', 'localBinding must be a boolean')
  }
}

/** What is to be set up, from options or from the payload that stands for them. */
interface Wanted {
  readonly stateDirectory: WindowsPath
  readonly proxyPorts: readonly number[]
  readonly localBinding: boolean
  readonly wasAsked: boolean
}

function wantedOf(options: WindowsSetupOptions, variables: Variables): Wanted {
  const { payload, proxyPorts = [], localBinding = false } = options
  if (payload === undefined) {
    const stateDirectory = windowsStateDirectory(options.stateDirectory, variables)
    return { stateDirectory, proxyPorts, localBinding, wasAsked: false }
  }
  const read = readSetupPayload(payload)
  if (read === null || read.mode !== 'provision-only') {
    const failure = {
      step: 'check-elevation',
      code: 'helper_request_args_failed',
      message: 'it is no payload',
    } as const
    throw setupError(failure)
  }
  return {
    stateDirectory: windowsStateDirectory(read.state_directory, variables),
    proxyPorts: read.proxy_ports,
    localBinding: read.allow_local_binding,
    wasAsked: true,
  }
}

/**
 * Makes the accounts, their rules and the directories of the elevated backend. Can be called again, also after a failure, and begins
 * with the first step then. A process without administrator rights asks for them once, through Windows, and waits for the process
 * that was started with them. Throws WindowsSetupError (`ERR_WINDOWS_SETUP`) naming the step; its code
 * `orchestrator_helper_launch_canceled` is the person's no.
 */
export async function setUpWindows(
  options: WindowsSetupOptions = {},
  machineOf: () => SetupMachine = thisMachine,
): Promise<WindowsSetupResult> {
  checkOptions(options)
  const machine = machineOf()
  const wanted = wantedOf(options, machine.variables())
  const probed = machine.binding.probe()
  // What cannot be told is told by the step that asks for it.
  const elevated = 'failure' in probed || probed.elevated
  const { wasAsked } = wanted
  const { start } = machine
  if (start !== null && elevationOf({ elevated, wasAsked, start }) === 'ask') {
    await setUpElsewhere(machine, start, wanted, 'failure' in probed ? '' : probed.userName)
    return resultOf(machine, wanted.stateDirectory, windowsSetupSteps)
  }
  return await setUpHere(machine, wanted, options.told)
}

async function setUpHere(
  machine: SetupMachine,
  { stateDirectory, proxyPorts, localBinding }: Wanted,
  told: WindowsSetupOptions['told'],
): Promise<WindowsSetupResult> {
  const { binding, now } = machine
  const setup = new WindowsSetup(binding, { stateDirectory, proxyPorts, localBinding, now: now() })
  const report = plannedPlace(statePlace(stateDirectory, errorFile))
  const { state, done, failure } = await runSetup('provision-only', setup, told)
  if (state.phase === 'complete') {
    // An old report beside a filled marker says nothing.
    binding.removeTree(report.anchor, report.below)
    return resultOf(machine, stateDirectory, Object.freeze(done))
  }
  const { step, code } = state
  const { message = 'it failed', win32, path: place } = failure ?? {}
  const details = { ...(win32 === undefined ? {} : { win32 }), ...(place === undefined ? {} : { path: place }) }
  const failed = { step, code, message, ...details }
  noteFailure(binding, stateDirectory, failed)
  throw setupError(failed)
}

function resultOf(machine: SetupMachine, stateDirectory: WindowsPath, done: readonly SetupStep[]): WindowsSetupResult {
  const marker = readSetupMarker(textOf(path.join(machine.onDisk(stateDirectory), markerFile)))
  return Object.freeze({ stateDirectory, done, notices: Object.freeze(marker?.notices ?? []) })
}

/** Before anything is asked or changed: the process with the rights refuses by itself, and could not write down why. */
export function problemOn(binding: WindowsBinding, stateDirectory: WindowsPath): PlaceProblem | null {
  const look = (place: WindowsPath) => {
    const object = binding.describeObject(place)
    return 'failure' in object ? null : object
  }
  const places = setupDirectories.map(name => placeProblem(statePlace(stateDirectory, name), look))
  return places.find(problem => problem !== null) ?? null
}

/** In a process with administrator rights, which is started once, and which a person has to agree to. */
async function setUpElsewhere(machine: SetupMachine, start: ElevatedStart, wanted: Wanted, user: string) {
  const { binding, onDisk } = machine
  const { stateDirectory, proxyPorts, localBinding } = wanted
  const folder = onDisk(stateDirectory)
  const problem = problemOn(binding, stateDirectory)
  if (problem !== null) {
    throw setupError({ step: 'make-directories', code: 'helper_sandbox_dir_create_failed', ...problem })
  }
  const payload = encodeSetupPayload(
    makeSetupPayload({
      plan: null,
      mode: 'provision-only',
      stateDirectory,
      proxyPorts,
      localBinding,
      realUser: user === '' ? '?' : user,
    }),
  )
  // What an earlier one left must not be taken for this one's.
  rmSync(path.join(folder, errorFile), { force: true })
  const words = elevatedWords(start, payload)
  const answer = await binding.runElevated(start.program, words, path.dirname(start.program))
  const text = (name: string) => textOf(path.join(folder, name))
  const common = { marker: text(markerFile), users: text(usersFile), proxyPorts, localBinding }
  const status = setupStatus({ ...common, identity: 'offline' })
  const failure = elevationFailure({ answer, report: text(errorFile), status })
  if (failure !== null) throw setupError(failure)
}

function setupError({ step, code, message, win32, path: place }: ElevationFailure): WindowsSetupError {
  const known = { ...(win32 === undefined ? {} : { win32 }), ...(place === undefined ? {} : { path: place }) }
  const details = { step, setupCode: code, ...known }
  return new WindowsSetupError(`cannot set up the elevated backend: ${step}: ${message} (${code})`, details)
}

/** Whether the elevated backend is set up. Changes nothing. */
export function windowsSetupStatus(
  options: WindowsSetupOptions = {},
  machineOf: () => SetupMachine = thisMachine,
): WindowsSetupReport {
  checkOptions(options)
  const { variables, onDisk } = machineOf()
  const stateDirectory = windowsStateDirectory(options.stateDirectory, variables())
  const text = (name: string) => textOf(path.join(onDisk(stateDirectory), name))
  const { proxyPorts = [], localBinding = false } = options
  const common = { marker: text(markerFile), users: text(usersFile), proxyPorts, localBinding }
  return Object.freeze({
    stateDirectory,
    offline: setupStatus({ ...common, identity: 'offline' }),
    online: setupStatus({ ...common, identity: 'online' }),
    notices: Object.freeze(readSetupMarker(common.marker)?.notices ?? []),
    lastFailure: lastFailureOf(text(errorFile)),
  })
}

/** The directory may be what failed; the error says it anyway. */
function noteFailure(binding: WindowsBinding, stateDirectory: WindowsPath, failure: object): void {
  const directory = plannedPlace(statePlace(stateDirectory, '.sandbox'))
  const file = plannedPlace(statePlace(stateDirectory, errorFile))
  binding.makeDirectory(directory.anchor, directory.below)
  binding.replaceFile(file.anchor, file.below, Buffer.from(JSON.stringify(failure)))
}

function lastFailureOf(text: string | null): WindowsSetupReport['lastFailure'] {
  const read = text === null ? null : readSetupFailure(text)
  if (read === null) return null
  const { step, code, message, path: place } = read
  return { step, code, message, ...(place === undefined ? {} : { path: place }) }
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
