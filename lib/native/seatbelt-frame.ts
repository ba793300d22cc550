/** What the macOS helper is told, as `native/macos/frame.h` describes it. */
import { OptionError } from '../errors.ts'

export interface SeatbeltProfile {
  readonly text: string
  readonly parameters: Readonly<Record<string, string>>
}

const largest = 4 * 1024 * 1024
const mostParameters = 4096

/** Throws OptionError (`ERR_INVALID_OPTION`, option `profile`) for a profile that no frame can hold. */
export function encodeSeatbeltFrame({ text, parameters }: SeatbeltProfile): Buffer {
  const pairs = Object.entries(parameters)
  if (pairs.length > mostParameters) throw refused(`it has ${pairs.length} parameters, more than ${mostParameters}`)
  const parts = [Buffer.from('CSBX'), number(1), ...counted(text), number(pairs.length)]
  for (const [key, value] of pairs) parts.push(...counted(key), ...counted(value))
  const frame = Buffer.concat(parts)
  if (frame.length > largest) throw refused(`it is ${frame.length} bytes long, more than ${largest}`)
  return frame
}

function counted(text: string): Buffer[] {
  if (text.includes('\0')) throw refused('it holds a NUL character')
  const bytes = Buffer.from(text, 'utf8')
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
