/**
 * An API key from standard input: an argument would show it to every process of this machine, and a terminal to whoever
 * looks on.
 */
import { addAbortSignal } from 'node:stream'
import { isatty } from 'node:tty'

import { UsageError } from './usage-error.ts'

const longestKey = 64 * 1024

/** @throws {UsageError} when a terminal is there instead of a key, or far too much. */
export async function readApiKey(signal: AbortSignal): Promise<string> {
  if (isatty(0)) {
    throw new UsageError(
      '--with-api-key reads the key from standard input: printenv OPENAI_API_KEY | castellan auth login --with-api-key',
    )
  }
  let text = ''
  for await (const chunk of addAbortSignal(signal, process.stdin.setEncoding('utf8'))) {
    text += chunk
    if (text.length > longestKey) throw new UsageError('--with-api-key: there is no key of that length')
  }
  return text
}
