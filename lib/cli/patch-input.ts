/** Where a command line's patch comes from: one argument, or the standard input. Bytes that are not UTF-8 are never guessed. */
import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'

/** The patch cannot be had; nothing was read from or written to a file. */
export class PatchInputError extends Error {}

/** Everything of the standard input. @throws {PatchInputError} */
export function readStandardInput(): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(0)
  } catch (error) {
    // A descriptor that is closed has nothing to say; EAGAIN: somebody made it non-blocking and nothing is there.
    throw new PatchInputError(`cannot read the patch from stdin: ${(error as NodeJS.ErrnoException).code}`)
  }
  if (!isUtf8(bytes)) throw new PatchInputError('cannot read the patch from stdin: it is not UTF-8')
  return bytes.toString('utf8')
}

/**
 * `argument` as it was given. Node has put U+FFFD in the place of bytes that are not UTF-8 by now, and a patch would write it
 * to files; the kernel still has the bytes. @throws {PatchInputError}
 */
export function checkedArgument(argument: string): string {
  if (argument.includes('\ufffd') && !commandLineIsUtf8()) {
    throw new PatchInputError('cannot read the patch from the argument: it is not UTF-8')
  }
  return argument
}

function commandLineIsUtf8(): boolean {
  try {
    return isUtf8(readFileSync('/proc/self/cmdline'))
  } catch {
    return true
  }
}
