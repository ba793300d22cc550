/**
 * What the helper is told so that it starts its runner as an account of the sandbox (spec/windows H.4): which account, its password as
 * the setup protected it, and where the runner lies. The password itself is never in this process.
 *
 * The runner is a copy of the helper below the state directory, because an account of the sandbox may read nothing of a user's
 * packages. Its name holds the digest of its bytes: a new version of the package never runs an old one's runner.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { LaunchError } from '../errors.ts'
import type { WindowsBinding } from '../native/windows-binding.ts'
import type { WindowsPlan } from '../plan/windows/plan.ts'
import { type LogonRequest, RUNNER_VERSION } from '../plan/windows/runner-messages.ts'
import { readSetupUsers, type SetupStatusQuestion, setupStatus } from '../plan/windows/setup-status.ts'
import { type WindowsPath, windowsChild } from '../plan/windows/windows-path.ts'
import { markerFile, setupDirectories, usersFile } from './windows-setup.ts'

export type LogonBinding = Pick<WindowsBinding, 'sidOfAccount'>

export interface LogonMachine {
  readonly binding: LogonBinding
  readonly stateDirectory: WindowsPath
  /** What this process calls the state directory. */
  readonly folder: string
  readonly helper: string
  /** What the setup must have been done for. */
  readonly network: Pick<SetupStatusQuestion, 'proxyPorts' | 'localBinding'>
}

const binDirectory = setupDirectories[1]

function logonFailure(message: string, cause?: unknown): LaunchError {
  return new LaunchError(`cannot start anything as an account of the sandbox: ${message}`, {
    stage: 'logon',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** The identifier of an account or group. Throws LaunchError (stage `logon`). */
export function accountSid(binding: LogonBinding, name: string): string {
  const sid = binding.sidOfAccount(name)
  if (typeof sid === 'string') return sid
  const { call, win32 } = sid.failure
  throw logonFailure(`${name} is not there (${call} failed with ${win32}). Hint: run \`castellan windows setup\``)
}

/** Null for a plan whose commands run as the user. Throws LaunchError (stage `logon`): nothing may run then. */
export function logonRequest({ backend, identity }: WindowsPlan, machine: LogonMachine): LogonRequest | null {
  if (backend !== 'elevated') return null
  if (identity === null) throw logonFailure('the plan names none')
  const text = (name: string) => textOf(path.join(machine.folder, name))
  const users = text(usersFile)
  // Looked at again: since the plan was made a setup may have begun, which empties the marker first.
  const status = setupStatus({ marker: text(markerFile), users, identity, ...machine.network })
  const user = readSetupUsers(users)?.[identity]
  if (status !== 'ready' || user === undefined) throw logonFailure(`the elevated backend is not set up: ${status}`)
  return {
    type: 'logon_request',
    version: RUNNER_VERSION,
    account: user.username,
    account_sid: accountSid(machine.binding, user.username),
    secret: user.password,
    runner: placeRunner(machine),
    ends_with_request: false,
  }
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

function bytesOf(file: string): Buffer | null {
  try {
    return readFileSync(file)
  } catch {
    return null
  }
}

/** Puts the copy where it belongs, unless it stands there with the same bytes, and returns its path. */
function placeRunner({ helper, folder, stateDirectory }: LogonMachine): WindowsPath {
  const bytes = bytesOf(helper)
  if (bytes === null) throw logonFailure(`${helper} cannot be read`)
  const name = `castellan-runner-${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}.exe`
  const file = path.join(folder, binDirectory, name)
  if (bytesOf(file)?.equals(bytes) !== true) replaceFile(file, bytes)
  return windowsChild(windowsChild(stateDirectory, binDirectory), name)
}

function replaceFile(file: string, bytes: Buffer): void {
  const temporary = `${file}.${randomBytes(6).toString('hex')}`
  try {
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(temporary, bytes, { flag: 'wx', mode: 0o755 })
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw logonFailure(`${file} cannot be written`, error)
  }
}
