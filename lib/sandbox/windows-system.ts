/**
 * Windows: plans are restricted tokens and entries in access lists; commands are started by a helper that checks what it got. No
 * command has run on Windows yet: this was exercised on Linux with another machine in the place of this one.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import path from 'node:path'

import { type AccessMachine, type AclBinding, type AppliedAccess, WindowsAccess } from '../backend/windows-access.ts'
import { ownDisk, type WindowsDisk, windowsFilesOn } from '../backend/windows-files.ts'
import { accountSid, type LogonBinding, logonRequest } from '../backend/windows-logon.ts'
import { windowsStarter } from '../backend/windows-starter.ts'
import { WindowsState } from '../backend/windows-state.ts'
import { BackendError, InternalError, LimitError, OptionError } from '../errors.ts'
import type { WindowsCapabilities } from '../host/capabilities.ts'
import { watchFiles } from '../host/path-state.ts'
import { probeWindows } from '../host/probe-windows.ts'
import { NativeStdio } from '../native/binding.ts'
import { isUnchangedHelper } from '../native/seatbelt-helper.ts'
import type { WindowsBinding } from '../native/windows-binding.ts'
import { findWindowsHelper } from '../native/windows-helper.ts'
import { choosePlan } from '../plan/choose.ts'
import { planMacosLimits } from '../plan/macos/process-limits.ts'
import type { Plan } from '../plan/plan.ts'
import { temporaryDirectories } from '../plan/windows/entries.ts'
import type { Variables } from '../plan/windows/environment-names.ts'
import { windowsGlobSearch } from '../plan/windows/globs.ts'
import { placesOn, policyPathOf, policyView, windowsPathOf } from '../plan/windows/places.ts'
import type { WindowsPlan } from '../plan/windows/plan.ts'
import { parseWindowsPolicy, type WindowsPolicy, windowsPathFrom } from '../plan/windows/policy-input.ts'
import { platformReadRoots } from '../plan/windows/read-roots.ts'
import { accountNames } from '../plan/windows/setup-payload.ts'
import { setupStatus } from '../plan/windows/setup-status.ts'
import { type WindowsPath, windowsParent, windowsPathOrNull } from '../plan/windows/windows-path.ts'
import type { GlobQuestion } from '../policy/glob-snapshot.ts'
import type { AbsolutePath } from '../policy/path.ts'
import type { SandboxOptions } from './options.ts'
import type { HostSystem, PathWords, SandboxSystem } from './system.ts'
import { aclMutex, windowsStateDirectory } from './windows-places.ts'

/** Everything that touches the machine, so that tests can put another one in its place. */
export interface WindowsMachine {
  readonly capabilities: WindowsCapabilities
  /** Null where the addon has no Windows part; then nothing is confined. */
  readonly binding: (AclBinding & LogonBinding) | null
  readonly disk?: WindowsDisk
  readonly variables: () => Variables
  readonly workingDirectory: () => string
  readonly isUnchangedHelper: (path: string) => boolean
}

export function windowsHostOf(binding: WindowsBinding): HostSystem {
  return windowsHost({
    capabilities: probeWindows(binding.probe(), findWindowsHelper()),
    binding,
    variables: () => process.env,
    workingDirectory: () => process.cwd(),
    isUnchangedHelper,
  })
}

export function windowsHost(machine: WindowsMachine): HostSystem {
  const { capabilities, binding, disk = ownDisk, variables, workingDirectory, isUnchangedHelper } = machine
  const { helper } = capabilities
  // What the helper is, before any command could have changed it.
  if (helper.path !== null) isUnchangedHelper(helper.path)
  const files = windowsFilesOn(disk, binding === null ? undefined : place => keepsAcls(binding, place))
  const here = () => place(workingDirectory(), 'cwd')
  const paths: PathWords = {
    read: (text, base) => policyPathOf(from(base === undefined ? here() : (windowsPathOf(base) ?? here()), text)),
    spell: asked => spelled(files, asked),
  }
  let read: WindowsPolicy | undefined
  return {
    paths,
    surroundings(cwd) {
      const policyCwd = paths.read(cwd ?? '.', undefined)
      return {
        policyCwd,
        processCwd: policyPathOf(here()),
        temporaryDirectory: temporaryDirectories({}, variables())[0],
        home: undefined,
        files: policyView(files),
        platformRoots: platformReadRoots.map(root => policyPathOf(place(root, 'root'))),
      }
    },
    parse(input, { policyCwd }) {
      read = parseWindowsPolicy(input, windowsPathOf(policyCwd) ?? here())
      return read.policy
    },
    async open(_policy, { policyCwd }, options): Promise<SandboxSystem> {
      if (options.git !== undefined && options.git !== 'protected') {
        throw new OptionError('git', `git is ${options.git}, which Windows plans do not have yet; use protected`)
      }
      const stateDirectory = windowsStateDirectory(options.windows?.stateDirectory, variables())
      const known = read
      if (known === undefined) throw new InternalError('a policy of Windows that was not read')
      const state = new WindowsState(path.join(disk.toDisk(stateDirectory), '.sandbox'))
      const inForce = new AccessInForce(binding, {
        state,
        mutex: aclMutex(stateDirectory),
        makeDirectory: made => void mkdirSync(disk.toDisk(made), { recursive: true }),
      })
      const logon = (plan: WindowsPlan) =>
        binding === null
          ? null
          : logonRequest(plan, {
              binding,
              stateDirectory,
              folder: disk.toDisk(stateDirectory),
              helper: helper.path ?? '',
              network: networkOf(options),
            })
      return {
        capabilities,
        nativeChannel: true,
        watch: view => watchFiles(view, undefined, asked => onDisk(disk, asked)),
        globs: () => globsOn(() => windowsGlobSearch(placesOn(files, known.spellings))),
        choose: resolved =>
          choosePlan({
            resolved,
            capabilities,
            options: {
              guardTag: false,
              windows: {
                read: known,
                surroundings: {
                  cwd: spelled(files, policyCwd),
                  stateDirectory,
                  backend: options.windows?.backend ?? 'unelevated',
                  environment: options.env ?? {},
                  host: variables(),
                  files,
                  options: choiceOf(options),
                },
                setup: identity => {
                  const text = (name: string) => textOf(path.join(disk.toDisk(stateDirectory), name))
                  return setupStatus({
                    marker: text('.sandbox/setup_marker.json'),
                    users: text('.sandbox-secrets/sandbox_users.json'),
                    identity,
                    ...networkOf(options),
                  })
                },
                refusedLimits: options.windows?.refuseLimits ?? [],
                strict: options.strict === true,
              },
            },
          }),
        starterFor(plan) {
          const own = ofWindows(plan)
          return windowsStarter(own, {
            helper: helper.path ?? '',
            helperDirectory: path.dirname(helper.path ?? '.'),
            files,
            variables,
            access: () => inForce.of(own),
            accessNow: () => inForce.now(own),
            unchanged: isUnchangedHelper,
            logon,
            heldBytes: bytes => heldBytes(path.join(disk.toDisk(stateDirectory), '.sandbox'), bytes),
          })
        },
        prepare: async plan => void (await inForce.of(ofWindows(plan))),
        close: () => inForce.close(),
        lease: () => ({ needless: [], release: () => {} }),
        without: plan => plan,
        wrapping: () => {
          const message = 'cannot wrap a command on Windows: what confines it is told through a descriptor'
          throw new BackendError(message, { capability: 'wrap', hint: 'use run or spawn' })
        },
        holdLimits(limits, stdio) {
          const held = planMacosLimits(limits, stdio === undefined || stdio.slice(1, 3).every(isCounted), 'windows')
          if ('message' in held) throw new LimitError(held.message, { limit: held.limit, mechanism: held.mechanism })
          return held
        },
      }
    },
  }
}

/** The access lists of the plans of one sandbox: changed with the first need, taken back when it is disposed. */
class AccessInForce {
  readonly #binding: (AclBinding & LogonBinding) | null
  readonly #machine: Omit<AccessMachine, 'binding' | 'groupSid'>
  readonly #applied = new Map<string, Promise<AppliedAccess>>()
  readonly #done = new Map<string, AppliedAccess>()

  constructor(binding: (AclBinding & LogonBinding) | null, machine: Omit<AccessMachine, 'binding' | 'groupSid'>) {
    this.#binding = binding
    this.#machine = machine
  }

  async of(plan: WindowsPlan) {
    let applied = this.#applied.get(plan.digest)
    if (applied === undefined) {
      applied = this.#apply(plan)
      this.#applied.set(plan.digest, applied)
      // The next command may find the disk as it has to be.
      applied.then(done => this.#done.set(plan.digest, done)).catch(() => this.#applied.delete(plan.digest))
    }
    return (await applied).sidOf
  }

  async #apply(plan: WindowsPlan): Promise<AppliedAccess> {
    const binding = this.#binding
    if (binding === null) throw new BackendError('the addon has no part for Windows', { capability: 'native-addon' })
    const groupSid = plan.backend === 'elevated' ? accountSid(binding, accountNames.group) : null
    return await new WindowsAccess({ ...this.#machine, binding, groupSid }).apply(plan)
  }

  now(plan: WindowsPlan) {
    return this.#done.get(plan.digest)?.sidOf ?? null
  }

  /** What cannot be taken back now is in the journal, for whoever comes next. */
  async close(): Promise<void> {
    const applied = [...this.#applied.values()]
    this.#applied.clear()
    this.#done.clear()
    for (const one of applied) await one.then(done => done.release()).catch(() => {})
  }
}

function place(text: string, option: string): WindowsPath {
  const found = windowsPathOrNull(text)
  if (found === null)
    throw new OptionError(option, `${option} is ${JSON.stringify(text)}, which is no usable Windows path`)
  return found
}

function from(base: WindowsPath, text: string): WindowsPath {
  const found = windowsPathFrom(base, text)
  if (found === null) throw new OptionError('path', `${JSON.stringify(text)} is no usable Windows path`)
  return found
}

function spelled(files: ReturnType<typeof windowsFilesOn>, asked: AbsolutePath): string {
  const plain = windowsPathOf(asked)
  return plain === null ? asked : (files.realPath(plain) ?? plain)
}

function onDisk(disk: WindowsDisk, asked: string): string {
  const plain = windowsPathOf(asked as AbsolutePath)
  // Nothing changes above a drive.
  return plain === null ? '' : disk.toDisk(plain)
}

/** Asked before every launch, so what cannot be told is taken for what it is nearly always. */
function keepsAcls(binding: AclBinding, asked: WindowsPath): boolean {
  const found = binding.describeObject(asked)
  if (!('failure' in found)) return found.hasAcls
  const parent = windowsParent(asked)
  return parent === null || keepsAcls(binding, parent)
}

/** Looks again to find out whether it would find something else. */
function globsOn(search: () => ReturnType<typeof windowsGlobSearch>) {
  let last: { readonly question: GlobQuestion; readonly text: string } | undefined
  const find = (question: GlobQuestion) => search().find(question)
  return {
    find(question: GlobQuestion) {
      const found = find(question)
      last = { question, text: JSON.stringify(found) }
      return found
    },
    unchanged: () => last === undefined || JSON.stringify(find(last.question)) === last.text,
  }
}

/** What the setup must have been done for. */
function networkOf({ windows = {} }: SandboxOptions) {
  return { proxyPorts: windows.proxyPorts ?? [], localBinding: windows.localBinding ?? false }
}

function choiceOf({ windows = {} }: SandboxOptions) {
  return { everyone: windows.everyone === true, splitSupport: windows.splitSupport ?? ('round-trip' as const) }
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

function heldBytes(folder: string, bytes: Uint8Array) {
  mkdirSync(folder, { recursive: true })
  const file = path.join(folder, `request-${randomBytes(12).toString('hex')}`)
  const fd = openSync(file, 'wx+', 0o600)
  const close = () => {
    closeSync(fd)
    rmSync(file, { force: true })
  }
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, at)
    return { fd, close }
  } catch (error) {
    close()
    throw error
  }
}

function isCounted(entry: number): boolean {
  return entry === NativeStdio.readPipe || entry === NativeStdio.ignore
}

function ofWindows(plan: Plan): WindowsPlan {
  if (plan.kind === 'windows') return plan
  throw new InternalError(`a plan for ${plan.kind} on Windows`)
}
