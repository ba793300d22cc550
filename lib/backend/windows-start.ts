/**
 * Starts a command of a Windows plan: an ordinary child process runs the helper (`native/windows`), which makes the token, checks it,
 * and starts the command with this process's descriptors in a job that ends with the helper. The request is sent when the access
 * lists are in force, so that nothing can run before; it goes through a pipe, and nothing of it shows in arguments or variables.
 *
 * No command has run under a token of ours yet: this was exercised on Linux, with a helper that restricts nothing.
 */
import { type ChildProcess, type IOType, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

import { LaunchError, OptionError } from '../errors.ts'
import { NativeStdio } from '../native/binding.ts'
import type { HelperRequest } from '../native/windows-binding.ts'
import type { SidOfRole } from '../plan/windows/acl-operations.ts'
import { batchCommandLine, isBatchFile } from '../plan/windows/batch-file.ts'
import { commandLine } from '../plan/windows/command-line.ts'
import { type Environment, windowsEnvironment } from '../plan/windows/environment.ts'
import { getVariable, type Variables } from '../plan/windows/environment-names.ts'
import { encodeFrame } from '../plan/windows/frame.ts'
import type { WindowsFiles } from '../plan/windows/places.ts'
import type { WindowsPlan } from '../plan/windows/plan.ts'
import { findWindowsProgram } from '../plan/windows/program.ts'
import type { LogonRequest } from '../plan/windows/runner-messages.ts'
import { type WindowsPath, windowsChild, windowsPathOrNull } from '../plan/windows/windows-path.ts'
import type { Command } from '../process/command.ts'
import { environmentLines } from '../process/environment.ts'
import type { SpawnOptions } from '../process/options.ts'
import { SpawnError } from '../process/spawn-error.ts'
import type { StartedChild } from './supervised-child.ts'
import { HelperConversation } from './windows-status.ts'

/** What starting needs of the machine. */
export interface WindowsLaunchHost {
  readonly helper: string
  readonly files: WindowsFiles
  readonly variables: () => Variables
  /** The directory that the helper itself is started in. */
  readonly helperDirectory: string
  /** As whom a command of the plan runs; null for the user. Throws LaunchError. */
  readonly logon: (plan: WindowsPlan) => LogonRequest | null
}

/** The identifiers of the plan's capabilities, once its access lists are in force. */
export type AccessInForce = () => Promise<SidOfRole>

/** What is known of a command before anything is started. */
export interface PreparedCommand {
  /** Why it cannot be started; null when it can. */
  readonly failure: SpawnError | null
  readonly program: string
  readonly line: string
  readonly environment: Environment
  readonly stdio: readonly (IOType | 'ipc' | number)[]
}

/** Throws OptionError for what cannot be had on Windows. */
export function prepareCommand(
  host: WindowsLaunchHost,
  plan: WindowsPlan,
  command: Command,
  options: Pick<SpawnOptions, 'lifetime'>,
): PreparedCommand {
  if (command.umask !== undefined) throw new OptionError('umask', 'umask has no meaning on Windows')
  if (options.lifetime === 'session') {
    throw new OptionError('lifetime', 'lifetime session cannot be had on Windows: what a command started ends with it')
  }
  if (plan.backend === 'elevated' && command.stdio.length > 3) {
    const message = 'stdio has more than three entries, and nothing but them reaches a command of the elevated backend'
    throw new OptionError('stdio', message)
  }
  const lines = environmentLines(command.env, plan.environment).map(line =>
    Buffer.from(line as string).toString('utf8'),
  )
  const channel = lines.find(line => line.startsWith('NODE_CHANNEL_FD='))
  const environment = environmentOf(plan, Object.fromEntries(lines.map(parted)), host)
  const stdio = command.stdio.map(nodeStdio).map((entry, fd) => (channel === `NODE_CHANNEL_FD=${fd}` ? 'ipc' : entry))
  const cwd = windowsPathOrNull(command.cwd)
  const common = { environment, stdio }
  if (cwd === null || host.files.targetKindOf(cwd) !== 'directory') {
    return { ...common, program: '', line: '', failure: notFound(command, `working directory ${command.cwd}`) }
  }
  const program = findWindowsProgram(command.file, { cwd, environment, files: host.files })
  if (program === null) return { ...common, program: '', line: '', failure: notFound(command, 'no such program') }
  return { ...common, ...lineOf(program, command, host), failure: null }
}

function lineOf(program: WindowsPath, { args, argv0, file }: Command, host: WindowsLaunchHost) {
  if (!isBatchFile(program)) {
    return { program, line: commandLine(argv0 === file ? program : argv0, args) }
  }
  // Not %ComSpec%, which anybody may set.
  const system = windowsPathOrNull(getVariable(host.variables(), 'SystemRoot') ?? 'C:\\Windows')
  if (system === null) throw new OptionError('file', 'cannot run a batch file: SystemRoot is no absolute path')
  const shell = windowsChild(windowsChild(system, 'System32'), 'cmd.exe')
  return { program: shell, line: batchCommandLine(shell, program, args) }
}

function environmentOf(plan: WindowsPlan, command: Variables, host: WindowsLaunchHost): Environment {
  return windowsEnvironment({
    command,
    host: host.variables(),
    backend: plan.backend,
    closesNetwork: plan.network === 'env-stubs',
    managedProxy: false,
    stubs: null,
    gitRoot: null,
  })
}

function parted(line: string): readonly [string, string] {
  const at = line.indexOf('=', 1)
  return [line.slice(0, at), line.slice(at + 1)]
}

function nodeStdio(entry: number): IOType | number {
  if (entry >= 0) return entry
  return entry === NativeStdio.ignore ? 'ignore' : 'pipe'
}

function notFound({ file, args }: Command, detail: string): SpawnError {
  return new SpawnError(
    file,
    args,
    2,
    new LaunchError(`cannot execute ${file}`, { stage: 'exec', errno: 2 }),
    ` (${detail})`,
  )
}

export function helperRequest(
  plan: WindowsPlan,
  command: Command,
  { program, line, environment }: PreparedCommand,
  sidOf: SidOfRole,
): HelperRequest {
  const { token } = plan
  const sids = plan.capabilities.map(role => {
    const sid = sidOf(role)
    if (sid === undefined) throw new LaunchError(`there is no identifier for ${role}`, { stage: 'access-lists' })
    return [role, sid] as const
  })
  return {
    type: 'spawn_request',
    version: 1,
    program,
    command_line: line,
    cwd: command.cwd,
    environment,
    token,
    sids: Object.fromEntries(sids),
  }
}

/** How the helper is started: its own descriptors are the two after the command's. */
export function helperWords({ backend }: WindowsPlan, own: number): string[] {
  return [backend === 'elevated' ? 'elevated' : 'run', '--request', String(own), '--status', String(own + 1)]
}

/** Everything that it is asked, as it reads it. `ends`: the end of the stream ends the command. */
export function requestFrames(logon: LogonRequest | null, request: HelperRequest, ends: boolean): Uint8Array {
  if (logon === null) return encodeFrame(ends ? { ...request, ends_with_request: true } : request)
  return Buffer.concat([encodeFrame({ ...logon, ends_with_request: ends }), encodeFrame(request)])
}

export interface StartedWindowsChild extends StartedChild {
  /** Rejects where the end of the command could not be learned; to be asked once the child has exited. */
  readonly finished: (killed: boolean) => Promise<void>
}

/** Throws OptionError, and what `child_process.spawn` throws for misused options. */
export function startWindowsCommand(
  host: WindowsLaunchHost,
  plan: WindowsPlan,
  command: Command,
  options: Pick<SpawnOptions, 'lifetime'>,
  access: AccessInForce,
): StartedWindowsChild {
  const prepared = prepareCommand(host, plan, command, options)
  const own = prepared.stdio.length
  const child = spawn(host.helper, helperWords(plan, own), {
    cwd: host.helperDirectory,
    env: {},
    stdio: [...prepared.stdio, 'pipe', 'pipe'],
    windowsHide: true,
  })
  const conversation = new HelperConversation(child, child.stdio[own + 1] as Readable | null | undefined, command)
  const sent = send(child, child.stdio[own] as Writable | null | undefined, async () => {
    if (prepared.failure !== null) throw prepared.failure
    const sidOf = await access()
    return requestFrames(host.logon(plan), helperRequest(plan, command, prepared, sidOf), true)
  })
  const confined = sent.then(() => conversation.started)
  // Whoever only watches the child must not be ended by a rejection that nobody awaits.
  confined.catch(() => {})
  conversation.started.catch(() => {})
  return { child, confined, finished: killed => conversation.finished(killed) }
}

/** Ends the helper where there is nothing to send: it has started nothing. */
async function send(
  child: ChildProcess,
  pipe: Writable | null | undefined,
  request: () => Promise<Uint8Array>,
): Promise<void> {
  // A helper that dies before it has read everything says so by its status.
  pipe?.on('error', () => {})
  try {
    const frames = await request()
    // The pipe stays open: when this process goes away, the helper sees its end and ends the command.
    pipe?.write(frames)
    ;(pipe as unknown as { unref?: () => void } | null)?.unref?.()
    child.once('exit', () => pipe?.destroy())
  } catch (error) {
    child.kill('SIGKILL')
    pipe?.destroy()
    throw error
  }
}
