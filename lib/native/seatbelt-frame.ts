/** What the macOS helper is told, as `native/macos/frame.h` describes it. */
import { OptionError } from '../errors.ts'

export interface SeatbeltProfile {
  readonly text: string
  readonly parameters: Readonly<Record<string, string>>
}

/** The command, as far as it is none of its starter's arguments. */
export interface SeatbeltRequest {
  /** `NAME=value`. */
  readonly environment: readonly (string | Uint8Array)[]
  /** The files that the command may be, tried in this order inside the sandbox. */
  readonly programs: readonly string[]
  /** umask(2); undefined: the host's. */
  readonly fileModeMask?: number | undefined
}

const largest = 4 * 1024 * 1024
const mostParameters = 4096
const mostLines = 65_536
const noFileModeMask = 0xffff_ffff

/** Throws OptionError (`ERR_INVALID_OPTION`, option `profile`) for a profile that no frame can hold. */
export function encodeSeatbeltFrame(
  { text, parameters }: SeatbeltProfile,
  { environment, programs, fileModeMask = noFileModeMask }: SeatbeltRequest = { environment: [], programs: [] },
): Buffer {
  const pairs = Object.entries(parameters)
  if (pairs.length > mostParameters) throw refused(`it has ${pairs.length} parameters, more than ${mostParameters}`)
  const parts = [number(fileModeMask), ...counted(text), number(pairs.length)]
  for (const [key, value] of pairs) parts.push(...counted(key), ...counted(value))
  for (const list of [environment, programs]) {
    if (list.length > mostLines) throw refused(`it has ${list.length} lines, more than ${mostLines}`)
    parts.push(number(list.length), ...list.flatMap(counted))
  }
  const body = Buffer.concat(parts)
  if (body.length > largest) throw refused(`it is ${body.length} bytes long, more than ${largest}`)
  return Buffer.concat([Buffer.from('CSBX'), number(3), number(body.length), body])
}

function counted(text: string | Uint8Array): Buffer[] {
  const bytes = Buffer.from(text as string)
  if (bytes.includes(0)) throw refused('it holds a NUL character')
  return [number(bytes.length), bytes]
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function refused(why: string): OptionError {
  return new OptionError('profile', `cannot hand over the Seatbelt profile: ${why}`)
}
