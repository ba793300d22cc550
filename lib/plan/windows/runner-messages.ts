/**
 * The words of the runner's protocol, version 1 (spec/windows H.4). What a peer sends is read here before anything acts on it; a word
 * or a member of another shape ends the conversation.
 */
import type { TokenPlan } from './token.ts'

export const RUNNER_VERSION = 1

export interface SpawnRequest {
  readonly type: 'spawn_request'
  readonly version: typeof RUNNER_VERSION
  /** Absolute path of the program, and the line made of it and its arguments. */
  readonly program: string
  readonly command_line: string
  readonly cwd: string
  readonly environment: Readonly<Record<string, string>>
  readonly token: TokenPlan
  /** Identifiers of the token's capabilities, by role. */
  readonly sids: Readonly<Record<string, string>>
}

/**
 * Before a {@link SpawnRequest}, to the helper that starts the runner: as whom, and with which program. Only the helper takes the
 * password out of its protection.
 */
export interface LogonRequest {
  readonly type: 'logon_request'
  readonly version: typeof RUNNER_VERSION
  readonly account: string
  /** The runner refuses to be anybody else, and nobody else may open its pipes. */
  readonly account_sid: string
  /** Base64 of the protected password. */
  readonly secret: string
  /** Absolute path of the runner. */
  readonly runner: string
  /** The end of the request's stream ends the command's tree. */
  readonly ends_with_request: boolean
}

export type RunnerMessage =
  | { readonly type: 'spawn_ready'; readonly version: typeof RUNNER_VERSION; readonly pid: number }
  | {
      readonly type: 'output'
      readonly version: typeof RUNNER_VERSION
      readonly stream: 'stdout' | 'stderr'
      readonly bytes: Uint8Array
    }
  /** An exit code has 32 bits and is passed on as it is. */
  | { readonly type: 'exit'; readonly version: typeof RUNNER_VERSION; readonly code: number }
  | {
      readonly type: 'error'
      readonly version: typeof RUNNER_VERSION
      readonly stage: string
      readonly win32: number
      readonly message: string
    }

export type HostMessage =
  | SpawnRequest
  | {
      readonly type: 'stdin'
      readonly version: typeof RUNNER_VERSION
      readonly bytes: Uint8Array
      readonly end: boolean
    }
  | { readonly type: 'terminate'; readonly version: typeof RUNNER_VERSION }

type Members = Readonly<Record<string, unknown>>

const LAST_UNSIGNED = 0xffff_ffff

function isUnsigned(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= LAST_UNSIGNED
}

function base64Of(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}

function bytesOf(value: unknown): Uint8Array | null {
  if (typeof value !== 'string' || !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value)) {
    return null
  }
  return Uint8Array.from(atob(value), character => character.charCodeAt(0))
}

/** The message as a frame carries it: bytes as base64. */
export function messageObject(message: HostMessage | RunnerMessage): Members {
  return 'bytes' in message ? { ...message, bytes: base64Of(message.bytes) } : { ...message }
}

/** What the runner said; null for anything that it cannot say. */
export function readRunnerMessage(given: Members): RunnerMessage | null {
  const version = RUNNER_VERSION
  if (given['version'] !== version) return null
  const { type, pid, stream, code, stage, win32, message } = given
  switch (type) {
    case 'spawn_ready':
      return isUnsigned(pid) && pid > 0 ? { type, version, pid } : null
    case 'output': {
      const bytes = bytesOf(given['bytes'])
      return bytes !== null && (stream === 'stdout' || stream === 'stderr') ? { type, version, stream, bytes } : null
    }
    case 'exit':
      return isUnsigned(code) ? { type, version, code } : null
    case 'error':
      return typeof stage === 'string' && isUnsigned(win32) && typeof message === 'string'
        ? { type, version, stage, win32, message }
        : null
    default:
      return null
  }
}

export type ConversationState = 'starting' | 'running' | 'ended' | 'broken'

/**
 * Where a conversation stands after a message: output and exit come after the start only, and nothing comes after the end. A runner
 * that breaks that is not trusted any further, and its tree is ended.
 */
export function afterRunnerMessage(state: ConversationState, message: RunnerMessage | null): ConversationState {
  if (message === null || state === 'ended' || state === 'broken') return 'broken'
  if (message.type === 'error') return 'ended'
  if (state === 'starting') return message.type === 'spawn_ready' ? 'running' : 'broken'
  if (message.type === 'spawn_ready') return 'broken'
  return message.type === 'exit' ? 'ended' : 'running'
}
