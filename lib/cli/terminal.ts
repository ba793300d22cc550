/**
 * Text for a person: where it goes, and which colours it may have. Written to the descriptors themselves: Node's
 * `process.stdout` makes a pipe non-blocking for everyone who shares it, and a command of `castellan run` does.
 */
import { writeSync } from 'node:fs'
import { isatty } from 'node:tty'

const descriptors = { stdout: 1, stderr: 2 } as const
export type Output = keyof typeof descriptors

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const
export type Colour = keyof typeof codes

/** Writes text and a line break. A reader that has gone is not an error: the text is dropped, and the answer is false. */
export function say(output: Output, text: string): boolean {
  const bytes = Buffer.from(`${text}\n`, 'utf8')
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(descriptors[output], bytes, at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return false
      // Somebody else made the descriptor non-blocking; a file or terminal that does not drain is waited for.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
  return true
}

/** Colours text when the output is a terminal. FORCE_COLOR (not 0) turns colours on, otherwise NO_COLOR turns them off. */
export function painter(
  output: Output,
  env: NodeJS.ProcessEnv = process.env,
): (colour: Colour, text: string) => string {
  if (!coloured(output, env)) return (_, text) => text
  return (colour, text) => `\u001b[${codes[colour]}m${text}\u001b[0m`
}

function coloured(output: Output, env: NodeJS.ProcessEnv): boolean {
  const forced = env['FORCE_COLOR']
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  if ((env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb') return false
  return isatty(descriptors[output])
}

/** A file's name may hold anything: control characters are shown, so that a terminal does not act on them. */
export function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, control => {
    return `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
